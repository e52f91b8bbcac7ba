"""`README.md` of the package."""

from connector.platforms.base import Told

_TEXT = """# Crisp Contacts for Make

Made by `crisp-connector manifests build`, version {version}, for the service at {address}, which must be reachable
from Make's cloud over https. There are two ways to use it: import a scenario, or deploy an app of your own.

## Scenarios

In Make choose *Create a new scenario*, *…*, *Import Blueprint*, and a file of `blueprints`. Put your API key in the
place of `YOUR_KEY`, in the HTTP module; choose your connection and sheet where there is a Google Sheets module.

| file | what it does |
|---|---|
| `notion_to_crisp.json` | an automation of a Notion database (*Send webhook*) sends a page; it becomes a contact |
| `google_sheets_to_crisp.json` | a new row becomes a contact: email, name, phone, company, job title, city, country |
| `dynamics_to_crisp.json` | a webhook of Dataverse sends a contact or lead; it becomes a contact |
| `form_to_crisp.json` | a form sends `email`, `full_name`, `phone`, `description`; they become a contact |
| `crisp_to_google_sheets.json` | a contact that is new in Crisp becomes a row |
| `failures_report.json` | a rejected record becomes a row: when, email, code, message, source, row, outcome id |
| `subscribe.json` | run once, with the address of a webhook and the event: that webhook is told from then on |

A scenario that begins with a webhook shows the webhook's address when you open that module. The two that write into a
sheet are subscribed with `subscribe.json`: `contact_created` for the first, `record_rejected` for the second.

## The app

All other files are a custom app in the layout of the local development of Make's editor (the extension *Make Apps
Editor* of Visual Studio Code): add your app under `origins` in `makecomapp.json`, choose *Deploy to Make*, and the app
is yours, for your organization alone.

Actions and searches:

{actions}

Instant triggers, which subscribe when a scenario is switched on:

{events}

And *Make an API call* for all else that the service can do. What is not filled in stays as it is in Crisp; custom data
that are mapped and turn out empty are removed. A record that waits is answered with `status` waiting, and goes out by
itself later. *Find contact* ends with an error when there is none: add an error handler (*Resume* or *Ignore*) to go
on.

## What was not tried

Every component passed the schemas of Make's editor, and every module, list and webhook ran against the service in a
small interpreter of what these files use; so did the HTTP modules of the scenarios. Nothing was ever
deployed to Make or imported there.
"""


def readme(told: Told) -> str:
    """The text."""
    declared = told.manifest
    actions = "\n".join(f"- **{each.label.capitalize()}**: {each.help}" for each in declared.actions.values())
    events = "\n".join(f"- **Watch {each.label.lower()}**: {each.help}" for each in declared.triggers.values())
    return _TEXT.format(version=told.version, address=told.address, actions=actions, events=events)
