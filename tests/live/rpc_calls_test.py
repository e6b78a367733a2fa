"""One call and its attempts, against a server that answers as it is told."""

import grpc
import pytest
from house import PATIENCE
from rpc_parts import Driver, Server, refusal

UNAVAILABLE, EXHAUSTED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED
LONG = {"kind": "long_poll"}
AT_ONCE_MS = 8000  # on a busy machine; what was not told to end would take ten seconds and more


@pytest.fixture
def server():
    with Server() as server:
        yield server


@pytest.fixture
def driver(server):
    with Driver(ADDRESS=server.address) as driver:
        yield driver


def test_every_call_carries_our_name_and_its_namespace(server):
    with Driver(ADDRESS=server.address, API_KEY="tmprl_secret", TLS="false", GRPC_META_X_TEAM="numbers", GRPC_META_TRACE_BIN="raw") as driver:
        assert driver.call("Echo", namespace="signalroom-713.nzg5u", body=b"hello")["body"] == b"hello".hex()
        assert driver.call("Bare", namespace="")["status"] == "OK"
    headers = server.seen("Echo")[0].headers
    assert headers["client-name"] == "temporal-lua"
    assert headers["client-version"].count(".") == 2
    assert headers["temporal-namespace"] == "signalroom-713.nzg5u"
    assert headers["authorization"] == "Bearer tmprl_secret"
    assert headers["x-team"] == "numbers"
    assert headers["trace-bin"] == b"raw"
    assert headers["user-agent"].startswith("temporal-lua/")
    assert "temporal-namespace" not in server.seen("Bare")[0].headers


def test_headers_of_the_user_win_over_key_and_namespace_but_not_over_our_name(server):
    with Driver(ADDRESS=server.address, API_KEY="tmprl_secret", TLS="false", GRPC_META_AUTHORIZATION="Basic mine",
                GRPC_META_TEMPORAL_NAMESPACE="theirs") as driver:
        driver.call("Echo")
    headers = server.seen("Echo")[0].headers
    assert headers["authorization"] == "Basic mine"
    assert headers["temporal-namespace"] == "theirs"
    assert '"client-name" is not for users to set' in refusal(ADDRESS=server.address, GRPC_META_CLIENT_NAME="temporal-go")


@pytest.mark.parametrize("setting,value,words", [
    ("API_KEY", "tmprl_very\nsecret", "the API key holds a byte that is not printable ASCII"),
    ("GRPC_META_X_TOKEN", "tmprl_very\x01secret", 'the value of gRPC header "x-token" holds a byte'),
    ("GRPC_META_X Y", "tmprl_verysecret", 'header name "x y" is not legal'),
])
def test_what_gRPC_would_print_is_refused_before_it_sees_it(server, setting, value, words):
    said = refusal({f"TEMPORAL_{setting}": value}, ADDRESS=server.address)
    assert words in said
    assert "secret" not in said


def test_a_namespace_that_cannot_be_a_header_ends_the_call(driver, server):
    answer = driver.call("Echo", namespace="b\u00fcro")
    assert answer["status"] == "INVALID_ARGUMENT"
    assert answer["attempts"] == 0
    assert server.requests == []


def test_the_details_of_a_status_arrive_as_bytes(driver, server):
    server.script("Start", (grpc.StatusCode.ALREADY_EXISTS, "l\u00e4uft schon", [("grpc-status-details-bin", b"\x08\x06\x12\x00\xff")]))
    answer = driver.call("Start")
    assert (answer["status"], answer["message"]) == ("ALREADY_EXISTS", "l\u00e4uft schon")
    assert answer["details"] == "08061200ff"


def keeps(pauses, gaps):
    """Whether no attempt came before its pause was over; the machine may make it later."""
    return len(pauses) == len(gaps) and all(gap >= pause / 1000 - 0.005 for pause, gap in zip(pauses, gaps))


def test_an_unavailable_server_is_tried_again_with_growing_pauses(driver, server):
    server.script("Start", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, b"at last")
    answer = driver.call("Start")
    assert (answer["status"], answer["attempts"]) == ("OK", 4)
    pauses = driver.pauses(3)
    assert [0.8 * usual <= pause <= 1.2 * usual for pause, usual in zip(pauses, (100, 170, 289))] == [True] * 3, pauses
    assert keeps(pauses, server.gaps("Start"))


def test_a_throttled_call_waits_a_second_at_least(driver, server):
    server.script("Start", EXHAUSTED, b"")
    assert driver.call("Start")["attempts"] == 2
    [pause] = driver.pauses(1)
    assert 800 <= pause <= 1200 and keeps([pause], server.gaps("Start"))


@pytest.mark.parametrize("text", ["grpc: received message larger than max (5000000 vs. 4194304)",
                                  "grpc: received message after decompression larger than max (5 vs. 4)",
                                  "SERVER: Received message larger than max (5 vs. 4)", "grpc: message too large (5 bytes)"])
@pytest.mark.parametrize("kind", ["client", "task", "long_poll"])
def test_a_message_that_is_too_large_is_sent_once(driver, server, text, kind):
    server.script("Respond", (EXHAUSTED, text))
    answer = driver.call("Respond", kind)
    assert (answer["status"], answer["attempts"], answer["message"]) == ("RESOURCE_EXHAUSTED", 1, text)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "PERMISSION_DENIED",
                                  "UNAUTHENTICATED", "UNIMPLEMENTED", "CANCELLED", "DEADLINE_EXCEEDED"])
def test_a_final_answer_is_final(driver, server, code):
    server.script("Start", getattr(grpc.StatusCode, code))
    for kind in ("client", "task", "once"):
        answer = driver.call("Start", kind)
        assert (answer["status"], answer["attempts"], answer["cancelled"]) == (code, 1, False)


def test_the_pause_that_the_server_asks_for_is_kept(driver, server):
    server.script("Start", (UNAVAILABLE, "", [("grpc-retry-pushback-ms", "700")]), b"")
    assert driver.call("Start")["attempts"] == 2
    assert driver.pauses(1) == [700] and keeps([700], server.gaps("Start"))
    server.script("Stop", (UNAVAILABLE, "", [("grpc-retry-pushback-ms", "-1")]))
    assert driver.call("Stop")["attempts"] == 1


def test_INTERNAL_is_tried_again_until_the_server_tells_its_kinds_apart(driver, server):
    server.script("Start", grpc.StatusCode.INTERNAL, b"")
    assert driver.call("Start")["attempts"] == 2
    driver.send("internal_is_final")
    server.script("Start", grpc.StatusCode.INTERNAL, b"")
    assert driver.call("Start")["attempts"] == 1


def test_a_poll_outlives_what_would_end_another_call(driver, server):
    codes = ["NOT_FOUND", "CANCELLED", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"]
    server.script("Poll", *[getattr(grpc.StatusCode, code) for code in codes], b"task")
    answer = driver.call("Poll", **LONG)
    assert (answer["status"], answer["attempts"]) == ("OK", 5)


def test_a_poll_cut_by_GOAWAY_is_sent_again_at_once(driver, server):
    server.script("Poll", (grpc.StatusCode.CANCELLED, "GOAWAY received"), b"task")
    assert driver.call("Poll", **LONG)["attempts"] == 2
    assert driver.pauses(1) == [0]


def test_polls_go_on_over_connections_that_the_server_ends(tmp_path):
    with Server(max_connection_age_ms=300, max_connection_age_grace_ms=100) as server:
        server.script("Poll", server.hang)
        with Driver(ADDRESS=server.address) as driver:
            polls = [driver.start("Poll", **LONG) for _ in range(5)]
            server.seen("Poll", 15)
            server.release()
            answers = [driver.wait(poll) for poll in polls]
    assert {a["status"] for a in answers} == {"OK"}
    assert max(a["attempts"] for a in answers) > 1


def test_a_cancelled_poll_ends_at_once_and_the_server_knows(driver, server):
    server.script("Poll", server.hang)
    poll = driver.start("Poll", **LONG)
    request = server.seen("Poll")[0]
    driver.send("cancel", poll)
    answer = driver.wait(poll)
    assert (answer["status"], answer["cancelled"]) == ("CANCELLED", True)
    assert answer["ms"] < AT_ONCE_MS
    assert request.cancelled.wait(PATIENCE)


def test_a_call_that_waits_for_its_next_attempt_can_be_cancelled(driver, server):
    server.script("Poll", (UNAVAILABLE, "", [("grpc-retry-pushback-ms", "60000")]))
    call = driver.start("Poll", **LONG)
    assert driver.pauses(1) == [60000]
    driver.send("cancel", call)
    answer = driver.wait(call)
    assert (answer["status"], answer["cancelled"]) == ("CANCELLED", True)
    assert answer["ms"] < AT_ONCE_MS


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED"])
def test_the_long_poll_of_a_client_ends_with_a_final_answer_but_not_with_its_deadline(driver, server, code):
    server.script("History", grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, getattr(grpc.StatusCode, code))
    answer = driver.call("History", "wait")
    assert (answer["status"], answer["attempts"]) == (code, 3)


def test_a_deadline_ends_one_attempt(driver, server):
    server.script("Slow", server.hang)
    answer = driver.call("Slow", "once", 300)
    assert answer["status"] == "DEADLINE_EXCEEDED"
    assert 295 <= answer["ms"] < AT_ONCE_MS
    for kind, seconds in (("client", 10), ("task", 30), ("long_poll", 70), ("wait", 65)):
        driver.call("Echo", kind)
        assert seconds - 4 < server.seen("Echo")[-1].seconds_left < seconds + 1


def test_a_response_of_60_MB_arrives(driver, server):
    server.script("Big", b"\x55" * (60 << 20))
    answer = driver.call("Big")
    assert (answer["status"], answer["body_size"]) == ("OK", 60 << 20)


def test_a_response_beyond_the_limit_is_refused_here_and_not_asked_for_again(server):
    server.script("Big", b"\x55" * 100_000)
    with Driver(ADDRESS=server.address, MAX_INCOMING_GRPC_BYTES="50000") as driver:
        answer = driver.call("Big")
    assert (answer["status"], answer["attempts"]) == ("RESOURCE_EXHAUSTED", 1)
    assert "larger than max" in answer["message"]


def test_attempts_are_counted_and_timed(driver, server):
    server.script("Start", UNAVAILABLE, b"")
    server.script("Poll", UNAVAILABLE, b"")
    driver.call("Start")
    driver.call("Poll", **LONG)
    metrics = driver.metrics()
    assert metrics['temporal_request{operation="Start"}'] == 2
    assert metrics['temporal_request_failure{operation="Start",status_code="UNAVAILABLE"}'] == 1
    assert metrics['temporal_request_latency_count{operation="Start"}'] == 2
    assert metrics['temporal_long_request{operation="Poll"}'] == 2
    assert metrics['temporal_long_request_failure{operation="Poll",status_code="UNAVAILABLE"}'] == 1
    assert metrics['temporal_long_request_latency_count{operation="Poll"}'] == 2


def test_closing_ends_every_call_and_leaves_no_thread(driver, server):
    server.script("Poll", server.hang)
    server.script("Start", EXHAUSTED)
    calls = [driver.start("Poll", **LONG) for _ in range(40)]
    waiting = driver.start("Start", "task")
    server.seen("Poll", 40)
    driver.await_log("rpc_retry")
    closed = driver.close()
    answers = [driver.answers[call] for call in calls + [waiting]]
    assert {(a["status"], a["cancelled"]) for a in answers} == {("CANCELLED", True)}
    assert closed["threads"] == 1
    assert closed["closed_ms"] < AT_ONCE_MS


def test_a_server_that_is_not_there_is_named_in_the_answer():
    with Server() as server:
        address = server.address
    with Driver(ADDRESS=address) as driver:
        answer = driver.call("Start", "once")
    assert answer["status"] == "UNAVAILABLE"
    assert address in answer["message"] and "Connection refused" in answer["message"]


@pytest.mark.parametrize("address,words", [("https://x:1", "without https://"), ("host", "host:port"), ("host:", "port of 1 to 65535"),
                                           (":7233", "host:port"), ("host:70000", "port of 1 to 65535")])
def test_an_address_that_cannot_be_is_refused(address, words):
    assert words in refusal(ADDRESS=address)
