"""What tests share: real brokers, fakes and builders. Imported from here, never from a conftest."""
