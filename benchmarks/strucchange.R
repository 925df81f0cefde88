# F statistics of a change of intercept and slope at every row: rows.csv repeats
arguments <- commandArgs(trailingOnly = TRUE)
for (package in c("strucchange", "jsonlite")) {
  if (!requireNamespace(package, quietly = TRUE)) { cat(sprintf('{"missing": "%s"}\n', package)); quit() }
}
suppressPackageStartupMessages(library(strucchange))
d <- read.csv(arguments[1])
seconds <- replicate(as.integer(arguments[2]), {
  unname(system.time(found <<- Fstats(y ~ q, data = d, from = 0.15))["elapsed"])
})
cat(jsonlite::toJSON(list(
  seconds = seconds, sup_f = max(found$Fstats), version = as.character(packageVersion("strucchange"))
), digits = NA), "\n")
