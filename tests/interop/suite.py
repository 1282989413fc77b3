"""All interop cases in a sensible order: ``python -m twisted.trial tests.interop.suite``."""

from unittest import TestSuite

from twisted.trial.runner import TestLoader

from tests.interop import (
    case_browser,
    case_calls,
    case_conf,
    case_csrf,
    case_dialect,
    case_dialect_browser,
    case_dialect_nginx,
    case_extension,
    case_faults,
    case_firefox,
    case_gadget,
    case_harness,
    case_https,
    case_identity,
    case_library,
    case_library_asterisk,
    case_library_network,
    case_library_rules,
    case_library_types,
    case_nginx,
    case_node,
    case_oidc,
    case_openapi,
    case_ops,
    case_ops_actions,
    case_reloads,
    case_rtpengine,
    case_rtpengine_faults,
    case_sipserver,
    case_softphone,
    case_softphone_day,
    case_softphone_identity,
    case_softphone_life,
    case_softphone_looks,
    case_softphone_notices,
    case_turn,
    case_vendor_asterisk,
    case_vendor_pages,
    case_workspace,
)


def testSuite() -> TestSuite:  # noqa: N802 (trial looks for this name)
    """Return the cases: configuration first, outages last."""
    loader = TestLoader()
    suite: TestSuite = loader.suiteFactory(
        loader.loadModule(module)
        for module in (
            case_conf,
            case_node,
            case_harness,
            case_https,
            case_csrf,
            case_library,
            case_library_network,
            case_library_rules,
            case_library_types,
            case_softphone,
            case_softphone_day,
            case_softphone_life,
            case_softphone_notices,
            case_softphone_identity,
            case_oidc,
            case_openapi,
            case_ops,
            case_ops_actions,
            case_softphone_looks,
            case_vendor_pages,
            case_gadget,
            case_workspace,
            case_calls,
            case_identity,
            case_nginx,
            case_browser,
            case_library_asterisk,
            case_vendor_asterisk,
            case_turn,
            case_firefox,
            case_extension,
            case_rtpengine,
            case_reloads,
            case_dialect,
            case_dialect_browser,
            case_dialect_nginx,
            case_sipserver,
            case_rtpengine_faults,
            case_faults,
        )
    )
    return suite
