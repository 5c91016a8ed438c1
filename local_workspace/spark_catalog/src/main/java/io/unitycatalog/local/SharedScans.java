package io.unitycatalog.local;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionSet;
import org.apache.spark.sql.catalyst.expressions.ExpressionSet$;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.stats.DataSize;
import org.apache.spark.sql.delta.stats.DeltaDataSkippingType;
import org.apache.spark.sql.delta.stats.DeltaScan;
import org.apache.spark.sql.delta.stats.DeltaScanGenerator;
import org.apache.spark.sql.delta.stats.PrepareDeltaScan;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.Option;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.collection.immutable.Set$;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Remembers which files a version of a table consists of. Delta asks its log again for each mention of the table in each
 * query, which is a Spark job; a table is read many times before its next version.
 *
 * <p>Which files a filter leaves is Delta's to say, but where there are few: to read them all takes less than to ask.
 * Loaded as a Spark session extension, before Delta's own, whose rule then finds nothing left to do.
 */
public final class SharedScans extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final int MOST = 100;
  private static final int FEW = 8;
  private static final Map<Snapshot, DeltaScan> KEPT =
      Collections.synchronizedMap(
          new LinkedHashMap<>(MOST, 0.75f, true) { // a snapshot equals itself only
            @Override
            protected boolean removeEldestEntry(Map.Entry<Snapshot, DeltaScan> eldest) {
              return size() > MOST;
            }
          });

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectPreCBORule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new Prepare(session);
          }
        });
    return BoxedUnit.UNIT;
  }

  @SuppressWarnings("unchecked")
  private static final class Prepare extends PrepareDeltaScan {
    Prepare(SparkSession session) {
      super(session);
    }

    @Override
    public DeltaScan filesForScan(
        DeltaScanGenerator generator, Option<Object> limit, Seq<Expression> filters, LogicalRelation table) {
      // a transaction is no snapshot: it notes what it reads
      if (!(generator instanceof Snapshot snapshot) || limit.isDefined()) {
        return super.filesForScan(generator, limit, filters, table);
      }
      if (filters.equals(Nil$.MODULE$)) {
        return wholeTable(snapshot);
      }
      // a partition's filter counts as done once files are chosen
      boolean isPartitioned = !snapshot.metadata().partitionColumns().equals(Nil$.MODULE$);
      if (isPartitioned || CollectionConverters.asJava(wholeTable(snapshot).files()).size() > FEW) {
        return super.filesForScan(generator, limit, filters, table);
      }
      return unfiltered(snapshot, wholeTable(snapshot).files(), filters);
    }

    private static DeltaScan wholeTable(Snapshot snapshot) {
      DeltaScan kept = KEPT.get(snapshot);
      if (kept == null) {
        kept = unfiltered(snapshot, snapshot.getAllFiles(false), (Seq<Expression>) (Seq<?>) Nil$.MODULE$);
        KEPT.put(snapshot, kept);
      }
      return kept;
    }

    /** As Delta makes it where no filter can be used; its size is the files', of which Delta asks the log once more. */
    private static DeltaScan unfiltered(Snapshot snapshot, Seq<AddFile> files, Seq<Expression> filters) {
      List<AddFile> found = CollectionConverters.asJava(files);
      long bytes = found.stream().mapToLong(AddFile::size).sum();
      DataSize size = new DataSize(Option.apply(bytes), Option.empty(), Option.apply((long) found.size()), Option.empty());
      ExpressionSet none = ExpressionSet$.MODULE$.apply((Seq<Expression>) (Seq<?>) Nil$.MODULE$);
      return new DeltaScan(
          snapshot.version(),
          files,
          size,
          size,
          size,
          snapshot,
          none,
          none,
          none,
          Set$.MODULE$.empty(),
          ExpressionSet$.MODULE$.apply(filters),
          0,
          DeltaDataSkippingType.noSkippingV1());
    }
  }
}
