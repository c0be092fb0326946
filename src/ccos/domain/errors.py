"""Every error CCOS raises on purpose.

CcosError
├── BadInput                what a user gave cannot be used; `message` says what to do
│   ├── BadTicket, BadKnowledge, BadSetting, UnknownMode
│   ├── UnknownTenant, NotFound
│   └── Conflict            the thing changed, or is taken, since it was read
├── NotAllowed              the key is missing, wrong, or its role does not reach
├── ProviderError           one attempt gave no answer
│   ├── ProviderDown        an outage: try another provider of the tier, then another tier
│   ├── ProviderBusy        429 and the like: healthy, but not now
│   ├── ProviderTimeout     the time given to the attempt ran out
│   ├── ProviderRefused     our fault or the key's: the breaker does not count it
│   ├── ContextTooLong      the prompt does not fit this model; a larger one may take it
│   ├── ContentFiltered     the provider declined the content; never routed around silently
│   ├── Unreadable          nobody could tell what personal data a text holds: no cloud sees it
│   └── NoPrice             a paid model without a known price is never called
├── ModelUnusable           a local model file cannot be loaded
├── IndexUnusable           the search index on this machine can be neither opened nor built
├── SourceError             knowledge could not be fetched from where it is kept
│   ├── SourceDown          it does not answer, or with failures
│   ├── SourceBusy          it asks for more patience than one pass has
│   ├── SourceRefused       it does not let us in: the token is missing, wrong, or may not read this
│   ├── SourceUnreadable    what it answers is not what such a product answers
│   ├── SourceStuck         its pages lead nowhere new
│   └── AddressForbidden    it is, or leads to, an address of a private network
└── StoreError
    ├── DatabaseUnavailable
    └── SchemaMismatch
"""

from __future__ import annotations

from typing import Any, ClassVar


class CcosError(Exception):
    """Carries a stable `code`, one plain sentence, and `facts` for logs, error bodies and tests."""

    code: ClassVar[str] = "ccos.error"
    message: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str | None = None, /, **facts: Any) -> None:
        self.facts = facts
        self.sentence = message or self.message
        super().__init__(self.sentence)


class BadInput(CcosError):
    code, message = "input.invalid", "The input cannot be used."


class BadTicket(BadInput):
    code, message = "ticket.invalid", "The ticket cannot be used."


class BadKnowledge(BadInput):
    code, message = "kb.invalid", "The knowledge base file cannot be used."


class BadSetting(BadInput):
    code, message = "setting.invalid", "A setting cannot be used."


class UnknownMode(BadInput):
    code = "mode.unknown"
    message = "The mode must be one of cost_first, quality_first, latency_first, outage."


class UnknownTenant(BadInput):
    code, message = "tenant.unknown", "There is no such tenant; `ccos tenants list` shows those there are."


class NotFound(BadInput):
    code, message = "not_found", "There is nothing with this id."


class Conflict(BadInput):
    code, message = "conflict", "It was changed in the meantime; read it again."


class NotAllowed(CcosError):
    code, message = "auth.refused", "The API key is missing, wrong, or may not do this."


class ProviderError(CcosError):
    code, message = "provider.error", "The provider gave no answer."


class ProviderDown(ProviderError):
    code, message = "provider.down", "The provider could not be reached or failed."


class ProviderBusy(ProviderError):
    """`facts["retry_after_seconds"]` is there when the provider said so."""

    code, message = "provider.busy", "The provider asks us to slow down."


class ProviderTimeout(ProviderError):
    code, message = "provider.timeout", "The provider did not answer in time."


class ProviderRefused(ProviderError):
    """`facts["status"]`; 401 means the key is wrong, 403 also that something in between forbids it."""

    code, message = "provider.refused", "The provider refused the request."


class ContextTooLong(ProviderRefused):
    code, message = "provider.context_too_long", "The text is longer than the model can read."


class ContentFiltered(ProviderRefused):
    code, message = "provider.content_filtered", "The provider's content filter declined the text."


class Unreadable(ProviderRefused):
    code = "privacy.unreadable"
    message = "The text could not be searched for personal data, so it stays on this machine."


class NoPrice(ProviderRefused):
    code = "provider.no_price"
    message = "No price is known for this model; configure one before it may be used."


class ModelUnusable(CcosError):
    code, message = "model.unusable", "The model file cannot be loaded."


class IndexUnusable(CcosError):
    code, message = "kb.index_unusable", "The search index cannot be built; check the disk of CCOS_HOME."


class SourceError(CcosError):
    code, message = "source.error", "The knowledge could not be fetched."


class SourceDown(SourceError):
    code, message = "source.down", "The source does not answer; it is tried again at the next sync."


class SourceBusy(SourceError):
    """`facts["retry_after_seconds"]` is there when the source said so."""

    code, message = "source.busy", "The source asks us to slow down; sync again later, it goes on from here."


class SourceRefused(SourceError):
    code = "source.refused"
    message = "The source does not let us in; check the token, its user, and what it may read."


class SourceUnreadable(SourceError):
    code = "source.unreadable"
    message = "The source does not answer as such a product does; check its address and kind."


class SourceStuck(SourceError):
    code, message = "source.stuck", "The source gives the same page again and again; sync later, or in full."


class AddressForbidden(SourceError):
    code = "source.address_forbidden"
    message = "The address is in a private network; if that is meant, add the source with --allow-private."


class StoreError(CcosError):
    code, message = "store.error", "The database cannot be used."


class DatabaseUnavailable(StoreError):
    code, message = "store.unavailable", "The database does not answer."


class SchemaMismatch(StoreError):
    code, message = "store.schema", "The database schema is not the one this version needs."
