"""What tests of messages share: the vendors' fakes, the settings of all channels, and the product's scripts with their
waits cut short."""

import re
import shutil

from house import ROOT, VendorFake

ACCOUNT = "AC" + "0" * 32
SETTINGS = {"SIGNALROOM_ENV": "production", "SLACK_BOT_TOKEN": "xoxb-test-token", "SLACK_CHANNEL_ID": "C0123456789",
            "RESEND_API_KEY": "re_test_key", "RESEND_FROM_EMAIL": "SignalRoom <reports@example.test>", "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": "twilio-test-token", "TWILIO_FROM_NUMBER": "+15550100009"}
DOWN = {"status": 503, "body": {"error": "down"}}


def shortened(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} has no {old}"
    path.write_text(text.replace(old, new))


def scripts_in(folder, *workflows):
    """A copy of the product's scripts that waits 200 ms between attempts, and workflows of the tests beside them."""
    shutil.copytree(ROOT / "scripts", folder)
    for name in workflows:
        shutil.copy(ROOT / "tests/live/scripts/workflows" / name, folder / "workflows")
    shortened(folder / "workflows/retry.lua", 'initial = "1s"', 'initial = "200ms"')
    return folder


def vendors_of(house):
    return {name: house.keep(VendorFake(name, house.folder)) for name in ("slack", "resend", "twilio")}


def settings_of(fakes, **more):
    return {**SETTINGS, "SLACK_BASE_URL": fakes["slack"].url + "/api", "RESEND_BASE_URL": fakes["resend"].url,
            "TWILIO_BASE_URL": fakes["twilio"].url, **more}


def texts(fakes, channel=None):
    """What stands in Slack's channels; a recovery's minutes, which depend on the machine, as N."""
    return [re.sub(r"(recovered after .*), \d+ minutes?$", r"\1, N minutes", m["text"]) for m in fakes["slack"].accepted()
            if channel in (None, m["channel"])]


def posts(fake):
    return [r for r in fake.requests() if r["method"] == "POST"]
