package io.unitycatalog.local;

import java.util.Map;

/** A missing privilege, with the condition and SQLSTATE that Databricks reports. */
final class AccessDenied extends QueryRefused {
  static final String CONDITION = "INSUFFICIENT_PERMISSIONS"; // its text is in engines/toolchain.py

  private final String report;

  AccessDenied(String message) {
    super(CONDITION, "42501", "Insufficient privileges: " + message);
    this.report = message;
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return Map.of("report", report);
  }

  /** Lets a checked exception pass through Spark's interfaces, which are Scala's and declare none. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> E sneak(Throwable error) throws E {
    throw (E) error;
  }
}
