"""The command line. Results go to stdout, progress and messages to stderr; every command has `--json`."""

from importlib import import_module

import click

from connector.manifest import ManifestBroken
from connector.memory import loading
from connector.settings import misspelt
from connector.version import __version__

# Command → module and name. Each is loaded when it is wanted: what keeps one from loading does not stop `doctor`.
_COMMANDS = {
    "serve": "connector.cli.serve:serve",
    "web": "connector.cli.serve:web",
    "work": "connector.cli.serve:work",
    "send": "connector.cli.send:send",
    "import": "connector.cli.importing:import_",
    "resume": "connector.cli.importing:resume_",
    "failures": "connector.cli.importing:failures_",
    "convert": "connector.cli.converting:convert",
    "preview": "connector.cli.send:preview_file",
    "connect": "connector.cli.connect:connect",
    "sign-in": "connector.cli.sign_in:sign_in",
    "subscriptions": "connector.cli.subscriptions:subscriptions",
    "sinks": "connector.cli.sinks:sinks",
    "inbound": "connector.cli.inbound:inbound",
    "pull": "connector.cli.pulling:pull",
    "listen": "connector.cli.listening:listen",
    "manifests": "connector.cli.manifests:manifests",
    "status": "connector.cli.status:status",
    "replay": "connector.cli.care:replay",
    "snippet": "connector.cli.snippet:snippet",
    "erase": "connector.cli.care:erase",
    "doctor": "connector.cli.care:doctor",
    "migrate": "connector.cli.care:migrate",
    "demo": "connector.cli.demo:demo",
    "sandbox": "connector.sandbox:command",
}


class Commands(click.Group):
    """The commands, in the order in which they are met."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None when there is none."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        try:
            with loading():
                command: click.Command = getattr(import_module(module), name)
        except ManifestBroken as problem:  # Options and schemas are made of the manifests.
            raise click.ClickException(str(problem)) from None
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="crisp-connector")
def main() -> None:
    """Anything in becomes a contact in Crisp.

    Settings come from the environment: CRISP_WEBSITE_ID, CRISP_IDENTIFIER and CRISP_KEY name the Crisp website,
    CONNECTOR_DATA_DIR says where records are kept. `crisp-connector doctor` tells what is missing.

    \b
    Example:
      crisp-connector demo --once
    """
    for name, meant in misspelt():
        click.echo(f"Warning: {name} is no setting and changes nothing. Is {meant} meant?", err=True)
