"""What an operator may turn at reporting: who the pharmacy is, as its downloads say. What is not set is left out."""

from pydantic import Field

from chassis.settings import ServiceSettings
from services.reporting.domain.pharmacy import Pharmacy


class ReportingSettings(ServiceSettings):
    pharmacy_name: str | None = Field(default=None, alias="PHARMACY_NAME", min_length=1, max_length=200)
    pharmacy_npi: str | None = Field(default=None, alias="PHARMACY_NPI", pattern=r"^[12][0-9]{9}$")
    pharmacy_phone: str | None = Field(default=None, alias="PHARMACY_PHONE", min_length=1, max_length=40)
    """For the patient's handout, which says when to call."""
    pharmacy_mrn_system: str | None = Field(
        default=None, alias="PHARMACY_MRN_SYSTEM", pattern=r"^(https?://|urn:)[!-~]{1,200}$"
    )
    """The URI under which the site's MRNs are unique: FHIR readers need it to tell two sites' patients apart."""

    @property
    def pharmacy(self) -> Pharmacy:
        return Pharmacy(
            name=self.pharmacy_name,
            npi=self.pharmacy_npi,
            phone=self.pharmacy_phone,
            mrn_system=self.pharmacy_mrn_system,
            time_zone=self.time_zone,
        )
