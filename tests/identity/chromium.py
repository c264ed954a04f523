"""A real Chromium, driven by WebDriver over HTTP."""
import shutil
import tempfile

import harness
import requests

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Chromium:
    def __init__(self, folder):
        port = harness.free_port()
        self.profile = tempfile.mkdtemp(prefix="slideway-chromium-", dir="/tmp")
        self.driver = harness.Child(["chromedriver", f"--port={port}"], folder / "chromedriver.log")
        self.url = f"http://127.0.0.1:{port}"
        self.web = requests.Session()
        self.web.trust_env = False
        harness.wait_for("chromedriver", self.ready)
        options = {"binary": shutil.which("chromium"),
                   "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            f"--user-data-dir={self.profile}"]}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options}}})
        self.url += f"/session/{made['sessionId']}"

    def ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except requests.ConnectionError:
            return False

    def call(self, method, path, body=None):
        answer = self.web.request(method, self.url + path, json=body, timeout=180)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def address(self):
        return self.call("GET", "/url")

    def text(self):
        return self.call("POST", "/execute/sync", {"script": "return document.body.innerText", "args": []})

    def find(self, selector):
        """The elements that a person could use."""
        found = self.call("POST", "/elements", {"using": "css selector", "value": selector})
        return [one[ELEMENT] for one in found]

    def fill(self, selector, text):
        for element in self.find(selector):
            self.call("POST", f"/element/{element}/clear", {})
            self.call("POST", f"/element/{element}/value", {"text": text})

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)[0]}/click", {})

    def close(self):
        self.web.delete(self.url, timeout=30)
        self.driver.stop()
        shutil.rmtree(self.profile, ignore_errors=True)
