package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.apache.hadoop.conf.Configuration;

/** Temporary AWS keys for one s3:// URL, some folders below left out; {@code tableId} is empty unless it is a table's. */
record PathCredential(
    String accessKey,
    String secretKey,
    String sessionToken,
    String url,
    long expiresAt,
    boolean writable,
    String tableId,
    List<String> apartFrom) {
  static final String PREFIX = "fs.lakehouse.credential.";
  private static final long MARGIN_MS = 60_000;

  static PathCredential read(JsonNode answer, boolean writable, String tableId) {
    JsonNode keys = answer.path("aws_temp_credentials");
    return new PathCredential(
        keys.path("access_key_id").asText(),
        keys.path("secret_access_key").asText(),
        keys.path("session_token").asText(),
        stripSlash(answer.path("url").asText()),
        answer.path("expiration_time").asLong(),
        writable,
        tableId,
        StreamSupport.stream(answer.path("apart_from").spliterator(), false).map(JsonNode::asText).toList());
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
        settings.getLong(PREFIX + "expires.at", 0),
        settings.getBoolean(PREFIX + "writable", false),
        settings.get(PREFIX + "table.id", ""),
        List.of());
  }

  /** The form in which Delta hands it on: keys that start with "fs." become Hadoop settings. */
  Map<String, String> asProperties() {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(PREFIX + "access.key", accessKey);
    properties.put(PREFIX + "secret.key", secretKey);
    properties.put(PREFIX + "session.token", sessionToken);
    properties.put(PREFIX + "url", url);
    properties.put(PREFIX + "expires.at", Long.toString(expiresAt));
    properties.put(PREFIX + "writable", Boolean.toString(writable));
    properties.put(PREFIX + "table.id", tableId);
    return properties;
  }

  boolean covers(String path) {
    return isUnder(path, url) && apartFrom.stream().noneMatch(closed -> isUnder(path, closed));
  }

  private static boolean isUnder(String path, String parent) {
    return path.equals(parent) || path.startsWith(parent + "/");
  }

  boolean isFresh() {
    return expiresAt - System.currentTimeMillis() > MARGIN_MS;
  }

  static String stripSlash(String url) {
    return url.endsWith("/") ? stripSlash(url.substring(0, url.length() - 1)) : url;
  }
}
