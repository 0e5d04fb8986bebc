"""Fakes, simulators, builders and scenes that tests share. Modules here import no test; tests import no other test."""
