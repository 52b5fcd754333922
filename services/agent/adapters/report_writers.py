"""Which writer the settings ask for."""

from services.agent.adapters.langchain_report_writer import LangChainReportWriter
from services.agent.adapters.llm_settings import LlmSettings
from services.agent.adapters.template_report_writer import TemplateReportWriter
from services.agent.application.ports import ReportWriter


def compose_writer(settings: LlmSettings) -> ReportWriter:
    """The model's writer with the template behind it, or the template alone where no model is named."""
    template = TemplateReportWriter()
    return LangChainReportWriter(settings, template) if settings.llm_model else template
