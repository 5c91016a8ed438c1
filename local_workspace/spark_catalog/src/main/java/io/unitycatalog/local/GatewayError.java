package io.unitycatalog.local;

/** An answer of the gateway other than 2xx. */
final class GatewayError extends RuntimeException {
  final int status;
  final String code;

  GatewayError(int status, String code, String message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  boolean isMissing() {
    return status == 404;
  }

  boolean isDuplicate() {
    return code.endsWith("ALREADY_EXISTS");
  }

  /** Throws what Spark should show for this error: a denial names principal, privilege and object. */
  <T> T raise() {
    if (status == 403) {
      throw AccessDenied.<RuntimeException>sneak(new AccessDenied(getMessage()));
    }
    throw this;
  }
}
