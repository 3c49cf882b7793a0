"""What `fleet exporter` refuses."""

import pytest
from typer import Typer
from typer.testing import CliRunner

from funasr_fleet.cli.run import exporter


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_a_port_that_there_cannot_be_is_wrong_usage(port: str) -> None:
    app = Typer()
    app.command()(exporter)
    done = CliRunner().invoke(app, ["--port", port])
    assert done.exit_code == 2
    assert "--port" in done.output
    assert "Traceback" not in done.output
