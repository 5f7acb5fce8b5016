"""What an operator may turn at validation."""

from functools import cached_property

from pydantic import Field

from chassis.settings import ServiceSettings
from services.validation.domain.identity import Titles
from services.validation.domain.provider import CheckDigitRule

_HONORIFICS = "dr,doctor,prof,professor,mr,mrs,ms,miss,mx"
_CREDENTIALS = (
    "md,do,mbbs,mbchb,mbbch,phd,dnp,np,fnp,fnp-c,fnp-bc,aprn,arnp,crnp,pa,pa-c,rn,bsn,msn,pharmd,rph,dpm,dds,dmd,od,dc,"
    "anp,anp-bc,pnp,acnp,agnp,agacnp,whnp,pmhnp,pmhnp-bc,cnm,crna,cns,bcps,bcop,bcacp,bs,bsc,mha,mhs,mms,mpas,psyd,jd,"
    "facp,facc,faan,faad,facr,facs,facg,faap,facog,faafp,faaaai,facep,fccp,fidsa,fasn,frcp,frcpc,mph,ms,msc,mba"
)


class ValidationSettings(ServiceSettings):
    npi_check_digit: CheckDigitRule = Field(default="warning", alias="NPI_CHECK_DIGIT")
    provider_honorifics: str = Field(default=_HONORIFICS, alias="PROVIDER_HONORIFICS")
    provider_credentials: str = Field(default=_CREDENTIALS, alias="PROVIDER_CREDENTIALS")

    @cached_property
    def titles(self) -> Titles:
        return Titles(_words(self.provider_honorifics), _words(self.provider_credentials))


def _words(listed: str) -> frozenset[str]:
    return frozenset(word.strip().lower().replace(".", "") for word in listed.split(",") if word.strip())
