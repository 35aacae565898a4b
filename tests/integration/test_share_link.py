"""Share links: made in one call, opened in a real browser, dead when they are done."""

import os
import pathlib
import subprocess
import sys
import urllib.parse

import harness
import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

HERE = pathlib.Path(__file__).resolve().parent
SCREENSHOTS = harness.BUILD / "screenshots"
WAIT_SECONDS = 30
ISSUER = "https://share.example"


@pytest.fixture
def tenant(make_daemon):
    """A daemon with an inbox, a document and a guest: not the seed's, who has the name guest."""
    daemon = make_daemon({"issuer": ISSUER + "/"})
    daemon.post("/v1/inboxes", json={"name": "invoice"}, auth="admin")
    answer = daemon.post("/v1/documents", auth="admin",
                         json={"inbox": "invoice", "name": "bill <1>.pdf"})
    daemon.document = answer.json()["id"]
    daemon.post("/v1/admin/users", json={"name": "reviewer"}, auth="admin")
    return daemon


def make_link(daemon, **body):
    answer = daemon.post("/v1/links", auth="admin", json={
        "inbox": "invoice", "document": daemon.document, "user": "reviewer", "expires_in": "1h",
        **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def address(daemon, link):
    """The link at the port that the test's daemon has."""
    assert link["url"].startswith(ISSUER + "/#/view/")
    return daemon.url("") + link["url"][len(ISSUER):]


def nonce_of(link):
    return urllib.parse.parse_qs(link["url"].split("?")[1])["nonce"][0]


# ---- without a browser ----

def test_a_link_names_the_document_and_carries_a_key_that_expires(tenant):
    link = make_link(tenant)
    assert link["url"].startswith(f"{ISSUER}/#/view/{tenant.document}?nonce=ctl_")
    shown = tenant.get(f"/v1/keys/{link['key_id']}", auth="admin").json()
    assert shown["expires_at"] == link["expires_at"]
    held = {(grant["permission"], grant["resource"].split("/")[-2]) for grant in shown["grants"]}
    assert held == {("documents:list", "inboxes"), ("documents:read", "documents"),
                    ("documents:lock", "documents"), ("documents:done", "documents")}


@pytest.mark.parametrize("change, status", [
    ({"inbox": "none"}, 404), ({"user": "none"}, 404), ({"document": "a/b"}, 400),
    ({"expires_in": "9999d"}, 400), ({"expires_in": 0}, 400), ({"name": "x"}, 400)])
def test_a_link_that_cannot_be_is_refused(tenant, change, status):
    body = {"inbox": "invoice", "document": tenant.document, "user": "reviewer", **change}
    assert tenant.post("/v1/links", json=body, auth="admin").status_code == status


def test_a_link_needs_the_rights_that_it_gives(tenant):
    tenant.post("/v1/admin/users", auth="admin", json={
        "name": "minter", "password": "pass word",
        "roles": [{"role": "auditor", "resource": "*"}]})
    body = {"inbox": "invoice", "document": tenant.document, "user": "reviewer"}
    assert tenant.post("/v1/links", json=body, auth=("minter", "pass word")).status_code == 403


def test_no_link_to_another_inbox_or_to_what_is_done(tenant):
    tenant.post("/v1/inboxes", json={"name": "other"}, auth="admin")
    body = {"inbox": "other", "document": tenant.document, "user": "reviewer"}
    assert tenant.post("/v1/links", json=body, auth="admin").status_code == 404
    tenant.post(f"/v1/documents/{tenant.document}/done", auth="admin")
    assert tenant.post("/v1/links", json={**body, "inbox": "invoice"},
                       auth="admin").status_code == 409


def test_the_command_line_makes_a_link(tenant):
    link = tenant.cli("link", "create", "--inbox", "invoice", "--document", tenant.document,
                      "--user", "reviewer", "--expires-in", "1h")
    answer = requests.post(tenant.url("/auth/ephemeral"), headers={"X-API-Key": nonce_of(link)})
    assert answer.status_code == 201
    tenant.run("link", "create", "--user", "reviewer", status=2)


def test_the_page_allows_nothing_from_elsewhere(tenant):
    answer = tenant.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "http:" not in answer.text and "https:" not in answer.text


def test_the_script_of_the_documentation_runs_to_the_revocation(tenant):
    result = subprocess.run(
        [sys.executable, HERE / "seed_000.py"], input=harness.PASSWORD + "\n", text=True,
        capture_output=True, timeout=120,
        env={**os.environ, "TENANT": tenant.url(""), "ADMIN": "admin",
             "DOCUMENT": tenant.document})
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert "revoked 204" in lines
    assert [line.split(":")[0] for line in lines if ": 40" in line] == [
        "session lists users", "session mints a key", "session reads another document",
        "key", "key opens a session", "session"]


# ---- in a browser ----

@pytest.fixture
def browser(tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
                     "disable-background-networking", "disable-component-update", "disable-sync",
                     "disable-dev-shm-usage", "no-proxy-server", "window-size=900,700",
                     f"user-data-dir={tmp_path / 'chromium'}"):
        options.add_argument("--" + argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
    driver = webdriver.Chrome(service=service, options=options)
    driver.set_page_load_timeout(WAIT_SECONDS)
    yield driver
    driver.quit()


def wait_status(browser, text):
    def said(driver):
        return text in driver.find_element(By.ID, "status").text
    WebDriverWait(browser, WAIT_SECONDS).until(said, f"the page does not say {text!r}")


def button(browser, name):
    return browser.find_element(By.ID, name)


def screenshot(browser, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


def reopen(browser, url):
    """As a user who opens the link afresh."""
    browser.get("about:blank")
    browser.get(url)


def test_a_user_reviews_and_marks_done_and_the_link_is_dead(tenant, browser):
    link = make_link(tenant)
    nonce = nonce_of(link)
    browser.get(address(tenant, link))
    wait_status(browser, "You can review this document.")
    assert nonce not in browser.current_url and browser.current_url.endswith(tenant.document)
    assert browser.find_element(By.ID, "title").text == "bill <1>.pdf"
    assert browser.find_element(By.ID, "inbox").text == "invoice"
    assert browser.find_element(By.ID, "lock-state").text == "free"
    screenshot(browser, "share-link-open")

    button(browser, "lock").click()
    wait_status(browser, "The document is locked.")
    assert "locked since" in browser.find_element(By.ID, "lock-state").text
    button(browser, "release").click()
    wait_status(browser, "The document is released.")
    button(browser, "done").click()
    wait_status(browser, "marked as done")
    assert not any(button(browser, name).is_enabled() for name in ("lock", "release", "done"))
    screenshot(browser, "share-link-done")

    reopen(browser, address(tenant, link))
    wait_status(browser, "no longer valid")
    screenshot(browser, "share-link-dead")
    document = tenant.get(f"/v1/documents/{tenant.document}", auth="admin").json()
    assert document["status"] == "done"
    assert tenant.get(f"/v1/keys/{link['key_id']}", auth="admin").json()["state"] == "revoked"
    assert nonce not in "\n".join(tenant.output)
    assert nonce not in tenant.get("/v1/events?limit=1000", auth="admin").text
    complaints = [entry for entry in browser.get_log("browser")
                  if "Content Security Policy" in entry["message"]]
    assert not complaints


def test_a_link_that_is_revoked_while_it_is_open_says_so(tenant, browser):
    link = make_link(tenant)
    browser.get(address(tenant, link))
    wait_status(browser, "You can review this document.")
    assert tenant.delete(f"/v1/keys/{link['key_id']}", auth="admin").status_code == 204
    button(browser, "lock").click()
    wait_status(browser, "no longer valid")
    assert not button(browser, "done").is_enabled()


def test_a_key_without_the_right_is_told_that_the_link_does_not_allow_it(tenant, browser):
    reader = tenant.post("/v1/admin/roles", auth="admin", json={
        "name": "reader", "permissions": ["review"]})
    assert reader.status_code == 201, reader.text
    key = tenant.post("/v1/keys", auth="admin", json={
        "user": "reviewer", "expires_in": "1h",
        "grants": [{"role": "reader", "resource": f"documents/{tenant.document}"}]}).json()
    browser.get(f"{tenant.url('')}/#/view/{tenant.document}?nonce={key['key']}")
    wait_status(browser, "You can review this document.")
    button(browser, "done").click()
    wait_status(browser, "This link does not allow that.")


def test_a_page_without_a_key_asks_for_the_whole_link(tenant, browser):
    browser.get(tenant.url("/"))
    wait_status(browser, "whole link")
