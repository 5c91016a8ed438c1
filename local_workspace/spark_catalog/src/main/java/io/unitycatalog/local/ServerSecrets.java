package io.unitycatalog.local;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * What only this server and the gateway know. It comes by standard input, a line each: system properties, variables of
 * the environment and arguments can be read by SQL, by Hadoop's settings and by other processes.
 */
final class ServerSecrets {
  /** Proves to the gateway that the Spark server asks, which enforces what it is told about views. */
  static final String ENGINE;

  /** The token of the session that warms the server up; it opens scratch and nothing else. */
  static final String WARM_UP;

  static {
    try {
      BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      ENGINE = orEmpty(lines.readLine());
      WARM_UP = orEmpty(lines.readLine());
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private ServerSecrets() {}

  private static String orEmpty(String line) {
    return line == null ? "" : line;
  }
}
