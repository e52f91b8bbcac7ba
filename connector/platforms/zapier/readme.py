"""The README of the package: from nothing to the first contact, and to the public."""

from connector.platforms.base import Told

_README = """# Crisp contacts for Zapier

Made by crisp-connector {version} for {address}. Everything in it comes from the manifests of crisp-connector: do not
edit it, build it anew with `crisp-connector manifests build --to packages --address {address}`.

## From nothing to the first contact

You need a Zapier account, Node 22 or later, and an API key of your crisp-connector (`crisp-connector connect key`).
Your crisp-connector must be reached from the internet, at {address}.

1. Unzip this package and open a terminal in its folder.
2. `npm install`
3. `npx zapier-platform login` opens your Zapier account.
4. `npx zapier-platform register "Crisp Connector"` makes the app in your account, for you alone.
5. `npx zapier-platform push` brings this package into it.
6. In Zapier create a Zap and choose any trigger, such as a new row of a sheet.
7. As action choose *Crisp Connector*, *Create or Update Contact*. Connect: the address is {address}, the key is yours.
   Zapier asks `GET /v1/me` and shows the name of your Crisp website.
8. Map *Email* and whatever else you have, and test the step. The contact is in Crisp.

After a change: build the package into the same folder (in a new one run `npx zapier-platform link` first), with a
higher `version` in `package.json` and `definition.json` where people use the old one, and `npx zapier-platform push`.

## What is in it

Actions:

{actions}

Triggers, told at once, each also as *(Polling)* for a connector that Zapier reaches but that may not call out:

{triggers}

What a step shows when something is wrong is the sentence that crisp-connector answers. When Crisp's daily quota is used
up an action does not fail: its `status` is `waiting`, and the contact goes out later.

## To publish

- Share the app without any review: `npx zapier-platform users:add PERSON@EXAMPLE.COM` sends an invitation. For a
  crisp-connector of your own this is enough.
- To have it listed for everybody, choose *Publish* in Zapier's developer platform. `npx zapier-platform validate` shows
  what Zapier's own checks say before that. Its reviewers ask for more, such as an account to try and users with live
  Zaps; what exactly, they tell you there.
"""


def readme(told: Told) -> str:
    """README.md, with the address of the service and what is declared."""
    actions = "\n".join(f"- *{each.label}*. {each.help}" for each in told.manifest.actions.values())
    triggers = "\n".join(f"- *{each.label}*. {each.help}" for each in told.manifest.triggers.values())
    return _README.format(version=told.version, address=told.address, actions=actions, triggers=triggers)
