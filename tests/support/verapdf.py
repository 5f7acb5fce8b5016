"""veraPDF, which judges PDFs by the rules of a standard. Only tests need it."""

from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support.commands import run_command
from tests.support.maven import jars

_POM = Path(__file__).with_name("verapdf.pom.xml")


def verapdf_jars() -> Path:
    return jars(_POM)


def broken_rules(folder: Path) -> dict[str, list[str]]:
    """By the name of each PDF in `folder`: the rules of PDF/UA-1 that it breaks, in words."""
    command = ["java", "-Xmx512m", "-cp", f"{verapdf_jars()}/*", "org.verapdf.apps.GreenfieldCliWrapper"]
    run = run_command([*command, "--flavour", "ua1", *map(str, sorted(folder.glob("*.pdf")))], seconds=600)
    report = ET.fromstring(run.output[run.output.index("<report") : run.output.index("</report>") + len("</report>")])
    return {
        Path(job.findtext("item/name", "")).stem: [rule.findtext("description", "") for rule in job.iter("rule")]
        if job.find("validationReport") is not None
        else ["not judged"]
        for job in report.iter("job")
    }
