package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** Temporary AWS keys for everything under one s3:// URL. */
record PathCredential(String accessKey, String secretKey, String sessionToken, String url, long expiresAt) {
  static final String PREFIX = "fs.lakehouse.credential.";
  private static final long MARGIN_MS = 60_000;

  static PathCredential read(JsonNode answer) {
    JsonNode keys = answer.path("aws_temp_credentials");
    return new PathCredential(
        keys.path("access_key_id").asText(),
        keys.path("secret_access_key").asText(),
        keys.path("session_token").asText(),
        stripSlash(answer.path("url").asText()),
        answer.path("expiration_time").asLong());
  }

  /** Reads the credential that a table brought along in its storage properties, or null. */
  static PathCredential of(Configuration settings) {
    String url = settings.get(PREFIX + "url");
    if (url == null) {
      return null;
    }
    return new PathCredential(
        settings.get(PREFIX + "access.key"),
        settings.get(PREFIX + "secret.key"),
        settings.get(PREFIX + "session.token"),
        url,
        settings.getLong(PREFIX + "expires.at", 0));
  }

  /** The form in which Delta hands it on: keys that start with "fs." become Hadoop settings. */
  Map<String, String> asProperties() {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(PREFIX + "access.key", accessKey);
    properties.put(PREFIX + "secret.key", secretKey);
    properties.put(PREFIX + "session.token", sessionToken);
    properties.put(PREFIX + "url", url);
    properties.put(PREFIX + "expires.at", Long.toString(expiresAt));
    return properties;
  }

  boolean covers(String path) {
    return path.equals(url) || path.startsWith(url + "/");
  }

  boolean isFresh() {
    return expiresAt - System.currentTimeMillis() > MARGIN_MS;
  }

  static String stripSlash(String url) {
    return url.endsWith("/") ? stripSlash(url.substring(0, url.length() - 1)) : url;
  }
}
