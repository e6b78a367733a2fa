"""TLS, mTLS, API keys and proxies, and their replacement while calls are under way."""

import json
import shutil
import time

import grpc
import pytest
from house import until
from rpc_parts import Authority, Driver, Proxy, Server, refusal

LONG = {"kind": "long_poll"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "Test Authority")


@pytest.fixture(scope="module")
def secure(authority):
    """A server whose certificate is for temporal.test, and who asks nobody for one."""
    with Server(authority.server_credentials("temporal.test")) as server:
        yield server


@pytest.fixture(scope="module")
def mutual(authority):
    """A server that only talks to those with a certificate of the authority."""
    with Server(authority.server_credentials("mutual.test", client_authority=authority)) as server:
        yield server


def named(authority):
    return {"TLS_SERVER_CA_CERT_PATH": authority.cert, "TLS_SERVER_NAME": "temporal.test"}


def test_a_server_with_the_right_certificate_is_believed(secure, authority):
    with Driver(ADDRESS=secure.address, **named(authority)) as driver:
        assert driver.call("Echo")["status"] == "OK"


def test_a_certificate_as_text_serves_as_well_as_its_file(secure, authority):
    with Driver(ADDRESS=secure.address, TLS_SERVER_NAME="temporal.test", TLS_SERVER_CA_CERT_DATA=authority.cert.read_text()) as driver:
        assert driver.call("Echo")["status"] == "OK"


def test_a_server_of_another_name_is_refused(secure, authority):
    with Driver(ADDRESS=secure.address, TLS_SERVER_CA_CERT_PATH=authority.cert, TLS_SERVER_NAME="other.test") as driver:
        assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"
    with Driver(ADDRESS=secure.address, TLS_SERVER_CA_CERT_PATH=authority.cert) as driver:
        assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"


def test_a_server_of_an_unknown_authority_is_refused_unless_all_are_believed(secure):
    with Driver(ADDRESS=secure.address, TLS_SERVER_NAME="temporal.test") as driver:
        assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"
    with Driver(ADDRESS=secure.address, TLS_DISABLE_HOST_VERIFICATION="true") as driver:
        assert driver.call("Echo", "once")["status"] == "OK"


def test_an_API_key_goes_over_TLS(secure, authority):
    with Driver(ADDRESS=secure.address, API_KEY="tmprl_over_tls", **named(authority)) as driver:
        driver.call("Keyed")
    assert secure.seen("Keyed")[0].headers["authorization"] == "Bearer tmprl_over_tls"
    with Driver(ADDRESS=secure.address, API_KEY="tmprl_alone") as driver:
        assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"  # TLS is on, and the authority unknown
        assert "tmprl_alone" not in driver.everything()


def test_a_server_that_asks_for_a_certificate_gets_ours(mutual, authority):
    cert, key = authority.issue("worker-one")
    settings = {"ADDRESS": mutual.address, "TLS_SERVER_CA_CERT_PATH": authority.cert, "TLS_SERVER_NAME": "mutual.test"}
    with Driver(**settings) as driver:
        assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"
    with Driver(TLS_CLIENT_CERT_PATH=cert, TLS_CLIENT_KEY_PATH=key, **settings) as driver:
        assert driver.call("Named")["status"] == "OK"
    assert mutual.seen("Named")[-1].common_name == "worker-one"


def test_the_old_names_of_the_variables_still_mean_mTLS(mutual, authority):
    cert, key = authority.issue("worker-old")
    with Driver(ADDRESS=mutual.address, TLS_CERT_PATH=cert, TLS_KEY_PATH=key, TLS_SERVER_CA_CERT_PATH=authority.cert,
                TLS_SERVER_NAME="mutual.test") as driver:
        assert driver.call("Old")["status"] == "OK"
    assert mutual.seen("Old")[-1].common_name == "worker-old"


def test_our_certificate_is_shown_even_to_a_server_we_do_not_check(mutual, authority):
    cert, key = authority.issue("worker-blind")
    with Driver(ADDRESS=mutual.address, TLS_CLIENT_CERT_PATH=cert, TLS_CLIENT_KEY_PATH=key, TLS_DISABLE_HOST_VERIFICATION="1") as driver:
        assert driver.call("Blind", "once")["status"] == "OK"
    assert mutual.seen("Blind")[-1].common_name == "worker-blind"


def test_what_is_wrong_with_certificates_is_said_before_the_first_call(authority, tmp_path):
    one, two = authority.issue("one"), authority.issue("two")
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN NOTHING-----\n")
    cases = [
        ({"TLS_CLIENT_CERT_PATH": one[0], "TLS_CLIENT_KEY_PATH": two[1]}, "are not a pair"),
        ({"TLS_CLIENT_CERT_PATH": junk, "TLS_CLIENT_KEY_PATH": one[1]}, "junk.pem holds no certificate"),
        ({"TLS_CLIENT_CERT_PATH": one[0], "TLS_CLIENT_KEY_PATH": junk}, "junk.pem holds no private key"),
        ({"TLS_CLIENT_CERT_PATH": one[0]}, "the key is missing"),
        ({"TLS_CLIENT_KEY_PATH": one[1]}, "the certificate is missing"),
        ({"TLS_SERVER_CA_CERT_PATH": junk}, "junk.pem holds no certificate in PEM form"),
        ({"TLS_SERVER_CA_CERT_PATH": tmp_path / "none.pem"}, "none.pem: No such file"),
    ]
    for settings, words in cases:
        assert words in refusal(ADDRESS="127.0.0.1:1", **settings)


def exchange(path, source):
    """Puts another file in its place, whole at once."""
    shutil.copy(source, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def test_a_new_certificate_is_taken_up_while_a_call_goes_on(mutual, authority, tmp_path):
    cert, key = tmp_path / "client.pem", tmp_path / "client.key"
    first, second = authority.issue("worker-first"), authority.issue("worker-second")
    shutil.copy(first[0], cert)
    shutil.copy(first[1], key)
    mutual.released.clear()
    mutual.script("Poll", mutual.hang)
    with Driver(ADDRESS=mutual.address, TLS_CLIENT_CERT_PATH=cert, TLS_CLIENT_KEY_PATH=key, TLS_SERVER_CA_CERT_PATH=authority.cert,
                TLS_SERVER_NAME="mutual.test") as driver:
        poll = driver.start("Poll", **LONG)
        assert mutual.seen("Poll")[-1].common_name == "worker-first"
        exchange(key, second[1])
        assert "are not a pair" in driver.await_log("credentials_not_reloaded")
        several_looks = time.monotonic() + 0.3
        while time.monotonic() < several_looks:
            assert driver.call("Between")["status"] == "OK"
        assert mutual.seen("Between")[-1].common_name == "worker-first"
        exchange(cert, second[0])
        driver.await_log("credentials_reloaded")
        assert driver.call("After")["status"] == "OK"
        assert mutual.seen("After")[-1].common_name == "worker-second"
        mutual.release()
        answer = driver.wait(poll)
        assert (answer["status"], answer["attempts"], answer["body"]) == ("OK", 1, b"released".hex())
        metrics = driver.metrics()
    assert metrics['signalroom_credential_reload{result="ok"}'] == 1
    assert metrics['signalroom_credential_reload{result="failed"}'] == 1
    assert 86400 < metrics["signalroom_tls_cert_expiry_seconds{}"] <= 2 * 86400


def keep_profile(path, text):
    path.with_suffix(".new").write_text(f"[profile.cloud]\n{text}\n")
    path.with_suffix(".new").replace(path)


def test_a_new_API_key_of_the_profile_is_taken_up_and_a_bad_one_changes_nothing(tmp_path):
    profiles = tmp_path / "temporal.toml"
    keep_profile(profiles, 'api_key = "tmprl_first"')
    with Server() as server, Driver(ADDRESS=server.address, CONFIG_FILE=profiles, PROFILE="cloud", TLS="false") as driver:
        server.script("Poll", server.hang)
        poll = driver.start("Poll", **LONG)
        server.seen("Poll")
        keep_profile(profiles, 'api_key = "tmprl_second"')
        driver.await_log("credentials_reloaded")
        driver.call("After")
        for bad, words in [("", "has no api_key any more"), ("api_key = 7", "temporal.toml:2: "), ("api_key = ", "temporal.toml:2"),
                           ('api_key = "tmprl_\\u007fthird"', "the API key holds a byte")]:
            before = len(driver.logged)
            keep_profile(profiles, bad)
            until(lambda: any("credentials_not_reloaded" in line and words in line for line in driver.logged[before:]), 20, words)
        driver.call("Last")
        server.release()
        answer = driver.wait(poll)
        assert (answer["status"], answer["attempts"]) == ("OK", 1)
        keys = [server.seen(m)[0].headers["authorization"] for m in ("Poll", "After", "Last")]
        assert "tmprl_" not in "".join(driver.logged)
    assert keys == ["Bearer tmprl_first", "Bearer tmprl_second", "Bearer tmprl_second"]


def test_a_key_of_a_variable_stays_what_it_was(tmp_path):
    profiles = tmp_path / "temporal.toml"
    keep_profile(profiles, 'api_key = "tmprl_profile"')
    settings = {"CONFIG_FILE": profiles, "PROFILE": "cloud", "TLS": "false", "API_KEY": "tmprl_variable"}
    with Server() as server, Driver(ADDRESS=server.address, **settings) as driver:
        driver.call("Before")
        keep_profile(profiles, 'api_key = "tmprl_new"')
        several_looks = time.monotonic() + 0.3
        while time.monotonic() < several_looks:
            driver.call("After")
        keys = {server.seen(m)[-1].headers["authorization"] for m in ("Before", "After")}
    assert keys == {"Bearer tmprl_variable"}


@pytest.fixture
def proxy():
    with Proxy("us er:p@ss%/w\u00f6rd") as proxy:
        yield proxy


def proxied(proxy, password="p%40ss%25%2Fw%C3%B6rd"):
    return {"https_proxy": f"http://us%20er:{password}@127.0.0.1:{proxy.port}"}


def test_a_proxy_is_asked_by_name_with_the_password_decoded(proxy):
    with Server() as server, Driver(proxied(proxy), ADDRESS=f"temporal.invalid:{server.port}") as driver:
        assert driver.call("Echo")["status"] == "OK"
        assert proxy.asked == [(f"temporal.invalid:{server.port}", True)]


def test_TLS_goes_through_a_proxy_and_names_the_server_not_the_proxy(proxy, secure, authority):
    with Driver(proxied(proxy), ADDRESS=f"temporal.test:{secure.port}", TLS_SERVER_CA_CERT_PATH=authority.cert) as driver:
        assert driver.call("Echo")["status"] == "OK"
    assert proxy.asked == [(f"temporal.test:{secure.port}", True)]


def test_a_slow_way_to_the_server_is_given_time(secure, authority):
    with Proxy("u:p", delay=1.5) as slow, Driver({"https_proxy": f"http://u:p@127.0.0.1:{slow.port}"}, ADDRESS=f"temporal.test:{secure.port}",
                                                 TLS_SERVER_CA_CERT_PATH=authority.cert) as driver:
        answer = driver.call("Echo")
    assert (answer["status"], answer["attempts"], len(slow.asked)) == ("OK", 1, 1)


def test_a_proxy_that_refuses_is_not_passed_by(proxy):
    with Server() as server, Driver(proxied(proxy, "secret-wrong%21"), ADDRESS=f"temporal.invalid:{server.port}") as driver:
        answer = driver.call("Echo", "once")
        assert answer["status"] == "UNAVAILABLE"
        assert server.requests == []
        assert proxy.asked[0][1] is False
        assert "secret-wrong" not in driver.everything()


def test_no_proxy_and_this_machine_go_direct():
    with Proxy("u:p") as proxy, Server() as server:
        environment = {"https_proxy": f"http://u:p@127.0.0.1:{proxy.port}"}
        with Driver(environment, ADDRESS=server.address) as driver:
            assert driver.call("Echo")["status"] == "OK"
        with Driver({**environment, "no_proxy": "invalid"}, ADDRESS=f"{'x' * 64}.invalid:1") as driver:  # no name server is asked
            assert driver.call("Echo", "once")["status"] == "UNAVAILABLE"
        assert proxy.asked == []


def test_a_call_waits_out_a_server_that_asks_for_a_better_certificate(authority, tmp_path):
    """The worker's certificate has expired or been withdrawn: polls go on trying, and a new file heals them."""
    other = Authority(tmp_path, "Other Authority")
    cert, key = tmp_path / "client.pem", tmp_path / "client.key"
    bad, good = other.issue("worker-bad"), authority.issue("worker-good")
    shutil.copy(bad[0], cert)
    shutil.copy(bad[1], key)
    credentials = authority.server_credentials("healed.test", client_authority=authority)
    with Server(credentials) as server, Driver(ADDRESS=server.address, TLS_CLIENT_CERT_PATH=cert, TLS_CLIENT_KEY_PATH=key,
                                               TLS_SERVER_CA_CERT_PATH=authority.cert, TLS_SERVER_NAME="healed.test") as driver:
        poll = driver.start("Poll", **LONG)
        driver.await_log("rpc_retry")
        exchange(key, good[1])
        exchange(cert, good[0])
        assert driver.wait(poll)["status"] == "OK"
        assert server.seen("Poll")[-1].common_name == "worker-good"


def test_a_refused_channel_says_why(secure):
    with Driver(ADDRESS=secure.address, TLS_SERVER_NAME="temporal.test") as driver:
        answer = driver.call("Echo", "once")
    assert answer["status"] == grpc.StatusCode.UNAVAILABLE.name
    assert "handshake" in answer["message"].lower() or "ssl" in answer["message"].lower()
    assert all(json.loads(line) for line in driver.logged), "gRPC writes to stderr past our log"
    assert any(json.loads(line)["event"] == "grpc" for line in driver.logged)
