"""The checks of the sources find what they are there to find."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import banned  # noqa: E402
import layers  # noqa: E402

# The sources are the same for every build: once is enough.
pytestmark = pytest.mark.release


@pytest.fixture
def tree(tmp_path):
    """tree({"src/http/x.c": "..."}): a root that holds these files and some headers."""
    def make(files):
        headers = {"include/chatelaine/base_buf.h": "", "include/chatelaine/codec.h": "",
                   "src/base/private.h": "", "src/http/conn.h": ""}
        for name, text in {**headers, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path
    return make


@pytest.mark.parametrize("path, include", [
    ("src/http/x.c", "<chatelaine/codec.h>"),          # a room that the table does not give
    ("src/base/x.c", "<chatelaine/domain_apps.h>"),    # upwards
    ("src/codec/x.c", "<chatelaine/publish.h>"),
    ("include/chatelaine/store.h", "<chatelaine/ledger.h>"),
    ("src/http/x.c", '"chatelaine/codec.h"'),          # quotes do not help
    ("src/http/x.c", '"base/private.h"'),              # another room's own header
    ("src/http/x.c", '"../base/private.h"'),
    ("src/http/x.c", "<chatelaine/nowhere.h>"),
    ("tests/unit/http/test_x.c", "<chatelaine/codec.h>"),
    ("src/domain/x.c", "<jansson.h>"),                 # libraries, each in its rooms alone
    ("src/auth/x.c", "<openssl/evp.h>"),
    ("src/journal/x.c", "<sqlite3.h>"),
    ("src/domain/x.c", "<libpq-fe.h>"),
    ("src/app/x.c", "<librdkafka/rdkafka.h>"),
    ("src/outbound/x.c", "<event2/http.h>"),
    ("src/api/x.c", "<event2/event.h>"),
    ("src/api/x.c", "<evhttp.h>"),
    ("src/http/x.c", "<curl/curl.h>"),
    ("src/app/x.c", "<confuse.h>"),
    ("src/http/x.c", "<systemd/sd-daemon.h>"),
    ("src/codec/x.c", "<glib.h>"),                     # one that nobody has spoken for
])
def test_forbidden_include_is_named_with_its_line(tree, path, include):
    root = tree({path: f"/* two lines */\n\n#include {include}\n"})
    complaints = layers.check(root)
    assert len(complaints) == 1
    assert complaints[0].startswith(f"{path}:3: ")


@pytest.mark.parametrize("path, include", [
    ("src/http/x.c", "<chatelaine/base_buf.h>"),
    ("src/http/x.c", '"conn.h"'),
    ("src/http/x.c", '"http/conn.h"'),
    ("src/http/x.c", "<event2/http.h>"),
    ("src/http/x.c", "<openssl/ssl.h>"),
    ("src/codec/x.c", "<openssl/evp.h>"),
    ("src/outbound/x.c", "<event2/event.h>"),
    ("src/app/x.c", "<chatelaine/codec.h>"),
    ("src/store/x.c", "<sys/stat.h>"),
    ("tests/unit/http/test_x.c", "<cmocka.h>"),
    ("tests/unit/http/test_x.c", '"http/conn.h"'),
])
def test_allowed_include_passes(tree, path, include):
    assert layers.check(tree({path: f"#include {include}\n"})) == []


def test_file_outside_the_rooms_is_named(tree):
    root = tree({"src/shared/x.c": "", "src/http/deep/x.c": ""})
    assert [line.split(":")[0] for line in layers.check(root)] == [
        "src/http/deep/x.c", "src/shared/x.c"]


@pytest.mark.parametrize("path, line", [
    ("src/http/x.c", "        strcpy(a, b);"),
    ("src/http/x.c", "        n = atoi(text);"),
    ("src/http/x.c", "        sprintf (a, b);"),
    ("src/domain/x.c", "        now = time(NULL);"),
    ("src/domain/x.c", "        clock_gettime(CLOCK_REALTIME, &t);"),
    ("src/domain/x.c", "        printf(text);"),
    ("src/domain/x.c", "        /* TODO: the rest */"),
    ("tests/unit/http/test_x.c", "        skip();"),
    ("tests/integration/test_x.py", "@pytest.mark." + "skip"),
])
def test_banned_word_is_named_with_its_line(tree, path, line):
    complaints = banned.check(tree({path: f"\n{line}\n"}))
    assert len(complaints) == 1
    assert complaints[0].startswith(f"{path}:2: ")


@pytest.mark.parametrize("path, line", [
    ("src/http/x.c", "        /* strcpy(a, b) would not do */"),
    ("src/http/x.c", '        log("atoi(x)");'),
    ("src/http/x.c", "        span_strcpy(a); clock->time(); e.time(1);"),
    ("src/app/x.c", "        printf(text);"),
    ("src/ledger/x.c", "        clock_gettime(CLOCK_MONOTONIC, &t); /* until when to wait */"),
    ("src/base/clock.c", "        clock_gettime(CLOCK_REALTIME, &t);"),
])
def test_other_words_pass(tree, path, line):
    assert banned.check(tree({path: line + "\n"})) == []
