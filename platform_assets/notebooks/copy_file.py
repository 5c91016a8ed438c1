# Databricks notebook source
# Copies one file, such as a JAR from S3 into a volume. It runs with the rights of who asks for it.
dbutils.widgets.text("source", "")
dbutils.widgets.text("destination", "")
source, destination = dbutils.widgets.get("source"), dbutils.widgets.get("destination")

# COMMAND ----------

dbutils.fs.cp(source, destination)
dbutils.notebook.exit(destination)
