"""What tests of several folders share: no test stands here."""
