"""What an operator may turn at reporting: nothing of its own yet."""

from chassis.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    pass
