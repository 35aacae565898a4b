"""The app of AIRisk's example usage flow, as its authors would write it in Flask.

    /                 what it knows now
    /authenticate     sends the browser to the instance, for a generic token, or, when a user is
                      active, for that user's
    /callback         exchanges the code for the active bearer token
    /select_user      GET renders the form, POST makes the selected user the active one
    /remote/PATH      calls the instance with the active token
"""

import secrets
import urllib.parse

import flask
import requests

PAGE = """<form method="post" action="{{ url_for('select_user') }}">
<select name="userid">{% for user in users %}
<option value="{{ user.id }}"{% if user.id == default %} selected{% endif %}>{{ user.name }}</option>
{% endfor %}</select><button>Select</button></form>"""


def make_app(instance, client_id, client_secret, redirect_uri, user_id=None):
    app = flask.Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    remote = requests.Session()
    remote.trust_env = False

    def call(path):
        return remote.get(instance + path,
                          headers={"Authorization": "Bearer " + flask.session["access_token"]})

    @app.before_request
    def single_user():
        if user_id:
            flask.session["userid"] = user_id

    @app.get("/authenticate")
    def authenticate():
        flask.session["state"] = secrets.token_urlsafe()
        query = {"client_id": client_id, "redirect_uri": redirect_uri,
                 "state": flask.session["state"]}
        if "userid" in flask.session:
            query["userid"] = flask.session["userid"]
        return flask.redirect(instance + "/api/oauth2?" + urllib.parse.urlencode(query))

    @app.get("/callback")
    def callback():
        if flask.request.args.get("state") != flask.session.pop("state", None):
            flask.abort(400)
        data = {"client_id": client_id, "client_secret": client_secret,
                "redirect_uri": redirect_uri, "code": flask.request.args["code"]}
        if "userid" in flask.session:
            data["userid"] = flask.session["userid"]
        answer = remote.post(instance + "/api/oauth2/Token", data=data)
        answer.raise_for_status()
        flask.session["access_token"] = answer.json()["access_token"]
        return flask.redirect(flask.url_for("index" if "userid" in flask.session
                                            else "select_user"))

    @app.route("/select_user", methods=["GET", "POST"])
    def select_user():
        if flask.request.method == "POST":
            flask.session["userid"] = flask.request.form["userid"]
            return flask.redirect(flask.url_for("authenticate"))
        users = call("/api/ListUsers")
        users.raise_for_status()
        return flask.render_template_string(PAGE, users=users.json(),
                                            default=flask.session.get("userid"))

    @app.get("/")
    def index():
        return {"userid": flask.session.get("userid")}

    @app.get("/remote/<path:path>")
    def through(path):
        answer = call("/" + path)
        return answer.content, answer.status_code, {"Content-Type": "text/plain"}

    return app
