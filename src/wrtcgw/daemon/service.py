"""The whole gateway as one service: start in order, reload, stop without cutting calls off."""

import signal
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from attrs import evolve, fields
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTCP, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogPublisher, globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from wrtcgw import __version__
from wrtcgw.browser.pages import PageSettings, browser_pages
from wrtcgw.config import ConfigError, Settings, reloadable_keys, shown
from wrtcgw.daemon.composition import Parts, access_log, compose, gateway_settings, web_settings, webhook_settings
from wrtcgw.daemon.draining import Draining
from wrtcgw.daemon.identity import concerns, identity_parts, shown_provider
from wrtcgw.daemon.listener import CannotServe, HTTPListener
from wrtcgw.daemon.log_format import LogForm
from wrtcgw.daemon.log_level import LevelControl
from wrtcgw.daemon.log_limit import SUMMARY_SECONDS
from wrtcgw.daemon.startup_warnings import trust_warnings
from wrtcgw.daemon.systemd import Notifier, Watchdog
from wrtcgw.demo.extensions import SHOWN, welcome
from wrtcgw.store import StoreUnavailable, StoreUnusable
from wrtcgw.transport.websocket import WebSocketURL

log = Logger()


class Demo(Protocol):
    """A PBX that is a service."""

    url: str
    """Where it listens; known once it has started."""
    domain: str
    """Of its users' addresses."""
    trace_data: bool
    """Whether its log shows the data that users attach to calls."""

    def setServiceParent(self, parent: MultiService) -> None:
        """Run as long as ``parent`` does (:class:`twisted.application.service.IService`)."""


class GatewayService(MultiService):
    """
    Composes the parts when it starts, and stops them in the order that lets calls end.

    :ivar settings: what is in effect.
    :ivar parts: the parts; there are none before the start.
    """

    parts: Parts

    def __init__(
        self,
        reactor: IReactorTCP,
        settings: Settings,
        *,
        reread: Callable[[], Settings],
        demo: Demo | None = None,
        notifier: Notifier | None = None,
        publisher: LogPublisher = globalLogPublisher,
        show: Callable[[str], object] = lambda text: None,
        give_up: Callable[[], object] = lambda: None,
    ) -> None:
        """
        Set up; nothing is opened yet.

        :param reread: finds the settings again for a reload; raises ConfigError.
        :param demo: a PBX to run too, and to use instead of all others.
        :param publisher: whose observers the log level holds for.
        :param show: puts a text before who has started a demo by hand.
        :param give_up: ends the process, with an exit code that says that it could not start.
        """
        super().__init__()
        self.settings = settings
        self._reactor = reactor
        self._reread = reread
        self._demo = demo
        self._notifier = notifier or Notifier()
        self._watchdog = Watchdog(self._notifier, cast(IReactorTime, reactor))
        self._publisher = publisher
        self._show = show
        self._level = LevelControl(settings.log_level, cast(IReactorTime, reactor).seconds)
        self._form = LogForm(settings.log_format, settings.node)
        self._counting = LoopingCall(self._level.summarize)
        self._counting.clock = cast(IReactorTime, reactor)
        self._page_settings = PageSettings()
        self._fault: BaseException | None = None
        """Why it could not start."""
        self._give_up = give_up
        self._is_stopping = False

    def startService(self) -> None:
        """Start the demo PBX if it is wanted, then the SIP side, then listen for pages."""
        super().startService()
        self._is_stopping = False
        self._form.install(self._publisher)
        self._level.install(self._publisher)
        self._counting.start(SUMMARY_SECONDS, now=False)
        if self._demo:
            self._start_demo(self._demo)
        self.parts = parts = compose(self._reactor, self.settings, self._browser_pages())
        console = parts.monitoring.console
        console.apply_levels = self._level.set
        console.set_log_levels(self.settings.log_level, dict(self.settings.log_levels))
        clock = cast(IReactorTime, self._reactor)
        console.draining = Draining(parts.gateway, clock, cast(IReactorCore, self._reactor).stop)
        parts.monitoring.exposition.add(self._level.series)
        parts.monitoring.running.setServiceParent(self)
        self._starting = Deferred.fromCoroutine(self._begin(parts))
        self._starting.addErrback(self._cannot_begin)
        if isinstance(self._fault, Exception):
            raise self._fault  # at once: who has started this service hears of it

    async def _begin(self, parts: Parts) -> None:
        """Take up what the store has, then let connections and pages come."""
        await self._take_up(parts)
        if self._is_stopping:
            return
        parts.agent.setServiceParent(self)
        for listener in parts.listeners:
            self._listen(listener)
        parts.gateway.cluster.start()
        self._tell_start(parts)

    async def _take_up(self, parts: Parts) -> None:
        """
        Open the store, and take up the agents and calls of the process before.

        :raises StoreUnusable: when the store cannot be used; StoreUnavailable when it is out of reach.
        """
        await parts.store.open()
        records = await parts.store.load()
        if self._is_stopping or not parts.store.survives:
            return
        restored = await parts.gateway.persistence.take_up(records)
        unreadable = restored.unreadable
        log.info(
            "taken up from {store}: {agents} agents and {calls} calls{more}",
            store=str(self.settings.store_address),
            agents=restored.agents,
            calls=restored.calls,
            more=f"; {unreadable} records could not be read" if unreadable else "",
        )

    def _cannot_begin(self, failure: Failure) -> None:
        """Stop: the gateway must not run without what it was told to keep."""
        if self._is_stopping and failure.check(StoreUnavailable):
            return  # it was closed
        self._fault = failure.value
        if failure.check(StoreUnusable, StoreUnavailable):
            log.critical("the gateway cannot start: {error}", error=str(failure.value))
        elif not failure.check(CannotServe):
            log.failure("the gateway cannot start", failure)
        if cast(IReactorCore, self._reactor).running:
            self._give_up()

    def _tell_start(self, parts: Parts) -> None:
        proxies = ", ".join(str(url) for url in self.settings.proxies)
        log.info(
            "serving {url} for domain {domain} by {proxies}",
            url=parts.listener.url,
            domain=self.settings.domain,
            proxies=proxies,
        )
        if parts.secure is not None and parts.secure.tls is not None:
            subject = parts.secure.tls.subject
            log.info("serving {url} with the certificate of {subject}", url=parts.secure.url, subject=subject)
        if self._demo:
            log.info("softphone: {url}/softphone/", url=parts.listener.url)
        for advice in trust_warnings(self.settings, demo=self._demo is not None):
            log.warn("{advice}", advice=advice)
        parts.surface.audit.note("gateway", "started", version=__version__)
        if self._demo:
            self._show(welcome(parts.listener.url))
        self._notifier.ready(f"serving port {parts.listener.port}")
        self._watchdog.start()

    def _listen(self, listener: HTTPListener) -> None:
        """Listen for pages; why it cannot goes also into the log, which may be the only thing that anyone sees."""
        try:
            listener.setServiceParent(self)
        except CannotServe as error:
            log.critical("the gateway cannot start: {error}", error=str(error))
            raise

    def _browser_pages(self) -> Mapping[bytes, IResource]:
        """Return the library and the pages that come with the gateway, none when they are not wanted."""
        self._page_settings.allowed_origins = self.settings.allowed_origins
        self._page_settings.oidc = shown_provider(self.settings)
        self._page_settings.auto_answer = self.settings.auto_answer == "headers"
        self._page_settings.noise_suppression = self.settings.noise_suppression
        self._page_settings.demo = SHOWN if self._demo else None
        return browser_pages(self._page_settings) if self.settings.browser_pages else {}

    def _start_demo(self, demo: Demo) -> None:
        """Start the PBX and make it the only proxy."""
        demo.trace_data = self.settings.trace_data
        demo.setServiceParent(self)
        self.settings = evolve(self.settings, sip_ws_servers=(WebSocketURL.parse(demo.url),), sip_domain=demo.domain)

    def stopService(self) -> "Deferred[object]":
        """
        Stop listening and let calls and registrations end, then answer the requests that hang, then stop the rest.

        :returns: a Deferred that fires after ``drain_timeout`` and a little at the latest.
        """
        self._is_stopping = True
        self._notifier.stopping()
        if not hasattr(self, "parts"):
            return maybeDeferred(super().stopService)
        self.parts.surface.audit.note("gateway", "stopping")
        self._watchdog.stop()
        self.parts.monitoring.console.stop_when_drained(None)
        parts = (*self.parts.listeners, self.parts.agent)  # they have no parent before the store is read
        first = [maybeDeferred(part.disownServiceParent) for part in parts if part.parent is not None]
        return gatherResults(first).addCallback(self._stop_rest)

    def _stop_rest(self, _: object) -> "Deferred[object]":
        self.parts.surface.close()
        self.parts.webhooks.stop()
        return self.parts.store.close().addErrback(_store_not_closed).addCallback(self._stop_last)

    def _stop_last(self, _: object) -> "Deferred[object]":
        if self._counting.running:
            self._counting.stop()
        self.parts.monitoring.close()
        self._level.summarize()
        self._level.remove(self._publisher)
        self._form.remove()
        return maybeDeferred(super().stopService)

    # reload

    def catch_hangup_signal(self) -> None:
        """Let SIGHUP reload the configuration; to be called on the main thread."""
        later = cast(IReactorFromThreads, self._reactor).callFromThread
        signal.signal(signal.SIGHUP, lambda *_: later(self.reload))

    def reload(self) -> None:
        """Read the configuration again and take over what can change; with a fault in it everything stays as it is."""
        self._notifier.reloading()
        try:
            wanted = self._reread()
        except ConfigError as error:
            log.error("the configuration was not reloaded:\n{faults}", faults=str(error))
            self.parts.surface.audit.note("reload", "refused", faults=len(error.faults))
        else:
            self._take_over(wanted)
        self._notifier.ready(f"serving port {self.parts.listener.port}")

    def _note_reload(self, before: Settings, changes: Mapping[str, object]) -> None:
        """Write to the audit log what changes, before it does: the audit log itself may be switched off."""
        audit = self.parts.surface.audit
        audit.note("reload", "ok", changed=",".join(sorted(changes)))
        for name in sorted(changes):
            audit.note("setting", "changed", setting=name, before=shown(name, before), after=shown(name, self.settings))

    def _renew_certificate(self) -> None:
        """Read the certificate of the HTTPS listener again, also when its name has not changed."""
        tls = None if self.parts.secure is None else self.parts.secure.tls
        certificate, key = self.settings.tls_certificate, self.settings.tls_key
        if tls is None or certificate is None or key is None:
            return
        try:
            tls.load(certificate, key)
            log.info("the certificate for new connections is that of {subject}", subject=tls.subject)
        except ValueError as error:
            log.error("the certificate stays as it was: {error}", error=str(error))

    def _renew_webhooks(self) -> None:
        """Read the secrets of the webhooks again, also when the names of their files have not changed."""
        try:
            self.parts.webhooks.configure(webhook_settings(self.settings))
        except ValueError as error:
            log.error("the webhooks stay as they were: {error}", error=str(error))

    def _take_over(self, wanted: Settings) -> None:
        names = [attribute.name for attribute in fields(Settings)]
        differs = {name for name in names if getattr(wanted, name) != getattr(self.settings, name)}
        if self._demo:
            self._demo.trace_data = wanted.trace_data
            differs -= {"sip_ws_servers", "sip_domain"}
        changes = {name: getattr(wanted, name) for name in differs & reloadable_keys()}
        before, self.settings = self.settings, evolve(self.settings, **changes)
        self._note_reload(before, changes)
        levels = dict(self.settings.log_levels)
        self.parts.monitoring.console.set_log_levels(self.settings.log_level, levels)
        self.parts.monitoring.reconfigure(self.settings)
        self.parts.agent.trace_data = self.settings.trace_data
        self.parts.site.access_log = access_log(self.settings)
        self._renew_certificate()
        self.parts.gateway.reconfigure(gateway_settings(self.settings))
        self.parts.surface.reconfigure(web_settings(self.settings))
        self._renew_webhooks()
        if any(map(concerns, changes)):
            self.parts.surface.identify(identity_parts(self._reactor, self.settings))
            self._page_settings.oidc = shown_provider(self.settings)
        self._page_settings.allowed_origins = self.settings.allowed_origins
        self._page_settings.auto_answer = self.settings.auto_answer == "headers"
        self._page_settings.noise_suppression = self.settings.noise_suppression
        log.info("configuration reloaded; changed: {names}", names=", ".join(sorted(changes)) or "nothing")
        ignored = differs - reloadable_keys()
        if ignored:
            log.warn("a restart is needed for: {names}", names=", ".join(sorted(ignored)))


def _store_not_closed(failure: Failure) -> None:
    log.warn("the store was not closed properly: {error}", error=str(failure.value))
