# Databricks notebook source
# The same count as HelloSpark.java, beside it in the job: both must agree.
count = spark.range(1, 100).count()
print(f"Count is: {count}")

# COMMAND ----------

dbutils.notebook.exit(f"Count is: {count}")
