package io.unitycatalog.local;

/** What serverless compute does not offer, because all sessions of the server would share it. */
final class NotServed extends QueryRefused {
  NotServed(String message) {
    super("UNSUPPORTED_FEATURE", "0A000", message);
  }
}
