# REML of the linear model with effects nested in studies: data.csv repeats
arguments <- commandArgs(trailingOnly = TRUE)
for (package in c("metafor", "jsonlite")) {
  if (!requireNamespace(package, quietly = TRUE)) { cat(sprintf('{"missing": "%s"}\n', package)); quit() }
}
suppressPackageStartupMessages(library(metafor))
d <- read.csv(arguments[1])
fit <- function() {
  rma.mv(y, v, mods = ~ 0 + one + share, random = ~ 1 | study / effect, data = d, method = "REML")
}
found <- fit()
seconds <- replicate(as.integer(arguments[2]), unname(system.time(fit())["elapsed"]))
cat(jsonlite::toJSON(list(
  seconds = seconds, beta = as.vector(coef(found)), sigma2 = found$sigma2,
  version = as.character(packageVersion("metafor"))
), digits = NA), "\n")
