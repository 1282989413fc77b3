"""Tests of the dialect of the vendor's pages."""
