package io.unitycatalog.local;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a session may name: data sources, their options, URLs and settings. Everything else is refused by its name.
 *
 * <p>Options of a read or write become settings of Hadoop, so an option that is not known here could change a file
 * system, a credential or a class. Names are compared in lower case, as Spark compares them.
 */
final class OpenSources {
  private static final Set<String> SOURCES =
      Set.of("delta", "csv", "json", "text", "parquet", "orc", "xml", "binaryfile", "rate", "rate-micro-batch", "console", "memory", "noop");

  /** Options of the sources above. None names a class, a credential, a host or a setting of Hadoop. */
  private static final Set<String> OPTIONS =
      Set.of(
          // files: the page "Generic File Source Options" of Spark and the page of each source
          "path", "pathglobfilter", "recursivefilelookup", "modifiedbefore", "modifiedafter", "ignorecorruptfiles",
          "ignoremissingfiles", "mergeschema", "wholetext", "linesep", "compression", "encoding", "charset", "header",
          "sep", "delimiter", "quote", "escape", "comment", "inferschema", "samplingratio", "mode", "nullvalue",
          "emptyvalue", "nanvalue", "positiveinf", "negativeinf", "dateformat", "timestampformat", "timestampntzformat",
          "timezone", "locale", "multiline", "columnnameofcorruptrecord", "maxcolumns", "maxcharspercolumn",
          "ignoreleadingwhitespace", "ignoretrailingwhitespace", "quoteall", "escapequotes", "chartoescapequoteescaping",
          "enforceschema", "prefersdate", "preferdate", "unescapedquotehandling", "enabledatetimeparsingfallback",
          "primitivesasstring", "prefersdecimal", "prefersdecimals", "preferdecimal", "allowcomments",
          "allowunquotedfieldnames", "allowsinglequotes", "allownumericleadingzeros", "allownumericleadingzero",
          "allowbackslashescapinganycharacter", "allownonnumericnumbers", "allowunquotedcontrolchars",
          "dropfieldifallnull", "ignorenullfields", "singlevariantcolumn", "writenonasciicharacterasconcodepoint",
          "datetimerebasemode", "int96rebasemode", "rowtag", "roottag", "attributeprefix", "valuetag", "excludeattribute",
          "maxrecordsperfile", "partitionoverwritemode",
          // Delta: the pages "Table batch reads and writes" and "Table streaming reads and writes"
          "versionasof", "timestampasof", "readchangefeed", "readchangedata", "startingversion", "endingversion",
          "startingtimestamp", "endingtimestamp", "overwriteschema", "replacewhere", "replaceon", "replaceusing",
          "usermetadata", "txnappid", "txnversion", "datachange", "optimizewrite", "maxfilespertrigger",
          "maxbytespertrigger", "ignorechanges", "ignoredeletes", "skipchangecommits", "failondataloss",
          "schematrackinglocation", "schemalocation", "excluderegex", "responseformat",
          // streams: the "Structured Streaming Programming Guide"
          "checkpointlocation", "latestfirst", "filenameonly", "maxfileage", "maxcachedfiles", "cleansource", "sourcearchivedir",
          "rowspersecond", "rampuptime", "numpartitions", "rowsperbatch", "advancemillisperbatch", "starttimestamp",
          "numrows", "truncate", "queryname", "outputmode", "storagelevel");

  /** Options whose value is a place. */
  private static final Set<String> PLACES =
      Set.of("path", "checkpointlocation", "schematrackinglocation", "schemalocation", "sourcearchivedir");

  private static final Set<String> SCHEMES = Set.of("s3", "s3a", "dbfs");

  private static final Set<String> SETTINGS =
      Set.of(
          "spark.sql.session.timezone", "spark.sql.ansi.enabled", "spark.sql.shuffle.partitions", "spark.sql.casesensitive",
          "spark.sql.legacy.timeparserpolicy", "spark.sql.files.maxpartitionbytes", "spark.sql.autobroadcastjointhreshold",
          "spark.sql.sources.partitionoverwritemode", "spark.sql.storeassignmentpolicy", "spark.sql.crossjoin.enabled",
          "spark.sql.mapkeydeduppolicy", "spark.sql.codegen.factorymode", "spark.sql.codegen.wholestage",
          "spark.sql.parquet.compression.codec", "spark.sql.parquet.datetimerebasemodeinread",
          "spark.sql.parquet.datetimerebasemodeinwrite", "spark.sql.adaptive.enabled", "spark.sql.maxplanstringlength",
          "spark.connect.progress.reportinterval", "spark.databricks.execution.timeout",
          "spark.databricks.delta.schema.automerge.enabled", "spark.databricks.delta.retentiondurationcheck.enabled",
          "spark.databricks.delta.optimizewrite.enabled", "spark.databricks.delta.autocompact.enabled",
          // of PySpark; beside them is spark.sql.execution.pyspark.python, a program of the machine
          "spark.sql.execution.arrow.enabled", "spark.sql.execution.arrow.pyspark.enabled",
          "spark.sql.execution.arrow.pyspark.fallback.enabled", "spark.sql.execution.arrow.pyspark.selfdestruct.enabled",
          "spark.sql.execution.arrow.maxrecordsperbatch", "spark.sql.execution.arrow.maxbytesperbatch",
          "spark.sql.execution.arrow.uselargevartypes", "spark.sql.execution.arrow.compression.codec",
          "spark.sql.execution.pandas.converttoarrowarraysafely", "spark.sql.execution.pandas.inferpandasdictasmap",
          "spark.sql.execution.pandas.respectsessiontimezone", "spark.sql.execution.pandas.structhandlingmode",
          "spark.sql.execution.pyspark.binaryasbytes", "spark.sql.execution.pyspark.udf.simplifiedtraceback.enabled",
          "spark.sql.execution.pyspark.udf.hidetraceback.enabled", "spark.sql.repl.eagereval.enabled",
          "spark.sql.repl.eagereval.maxnumrows", "spark.sql.repl.eagereval.truncate");

  private final Supplier<String> principal;

  /** {@code principal}: who is told that a place is closed. */
  OpenSources(Supplier<String> principal) {
    this.principal = principal;
  }

  static void requireSource(String name) {
    if (!name.isEmpty() && !isSource(name)) {
      throw refuse("Data source " + name + " is not available; available are delta, csv, json, text, parquet, orc, xml and binaryFile.");
    }
  }

  static boolean isSource(String name) {
    return SOURCES.contains(name.toLowerCase(Locale.ROOT));
  }

  void requireOptions(Map<String, String> options) {
    options.forEach(this::requireOption);
  }

  void requireOption(String name, String value) {
    String plain = name.toLowerCase(Locale.ROOT);
    if (!OPTIONS.contains(plain)) {
      throw refuse("Option " + name + " is not available.");
    }
    if (PLACES.contains(plain)) {
      requireUrl(value);
    }
  }

  /** Table properties are kept as they are, but none may look like a setting of Hadoop or an option. */
  void requireProperty(String name) {
    String plain = name.toLowerCase(Locale.ROOT);
    if (plain.startsWith("fs.") || plain.startsWith("spark.") || plain.startsWith("hadoop.")) {
      throw refuse("Table property " + name + " is not available.");
    }
    if (plain.startsWith("option.")) {
      requireOption(name.substring("option.".length()), "");
    }
  }

  /** A place is in a volume, in S3, or relative to the DBFS root, which the file system refuses. */
  void requireUrl(String url) {
    int colon = url.indexOf(':');
    int slash = url.indexOf('/');
    if (colon < 0 || (slash >= 0 && slash < colon)) {
      return; // no scheme
    }
    if (!SCHEMES.contains(url.substring(0, colon).toLowerCase(Locale.ROOT))) {
      throw AccessDenied.<RuntimeException>sneak(
          new AccessDenied("User '" + principal.get() + "' does not have SELECT on any file: " + url
              + " is closed, use a volume or an external location"));
    }
  }

  static boolean isSetting(String name) {
    return SETTINGS.contains(name.toLowerCase(Locale.ROOT));
  }

  static void requireSetting(String name) {
    if (!isSetting(name)) {
      throw refuse("Configuration " + name + " is not available.");
    }
  }

  static RuntimeException refuse(String message) {
    throw AccessDenied.<RuntimeException>sneak(new NotServed(message));
  }
}
