"""What the demo PBX hands on from leg to leg."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.demo.extensions import carried


class CarriedTests(SynchronousTestCase):
    """Header fields of an INVITE or a 200."""

    def test_names(self) -> None:
        """Attached data and SIP Server's own fields go on in their order, whatever case they are in; others do not."""
        fields = (("X-Data-b", "1"), ("X-Other", "2"), ("x-genesys-Route", "3"), ("X-DATA-a", "4"))
        self.assertEqual(carried(fields), (("X-Data-b", "1"), ("x-genesys-Route", "3"), ("X-DATA-a", "4")))

    def test_uuid(self) -> None:
        """The call's UUID goes on where there is one."""
        self.assertEqual(carried((), "00NK1"), (("X-Genesys-CallUUID", "00NK1"),))
        self.assertEqual(carried((), ""), ())
