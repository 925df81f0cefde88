# Makes metafor.json, the record that test_metafor.py holds the classical engine to.
# Rscript metafor.R FOLDER_OF_REFERENCE_DATA > metafor.json
# Convergence is far tighter than metafor's default, so that the record is the solution and not where a search stopped.
suppressMessages(library(metafor))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0("classical_", name, ".csv")))
tight <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-13)
narrow <- list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 5000)

bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = read("bcg"))
odds <- escalc(measure = "OR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = read("bcg"))
schools <- read("konstantopoulos2011")
effects <- read("dependent")
se <- sqrt(effects$vi)
V <- outer(se, se) * 0.6 * outer(effects$study, effects$study, "==") * outer(effects$sample, effects$sample, "==")
diag(V) <- effects$vi

results <- list()
note <- function(name, ...) results[[name]] <<- c(...)
for (method in c("ML", "REML", "EB", "PM")) {
  fit <- rma(yi, vi, data = bcg, method = method, control = tight)
  note(paste0("bcg_", method), fit$b, fit$se, fit$tau2, fit$se.tau2, fit$I2)
}
for (test in c("z", "knha")) {
  fit <- rma(yi, vi, mods = ~ ablat + year, data = bcg, test = test, control = tight)
  note(paste0("bcg_ablat_year_", test), fit$b, fit$se, fit$tau2, fit$pval, logLik(fit))
}
fit <- rma(yi, vi, mods = ~ ablat, data = odds, method = "ML", control = tight)
note("odds_ablat_ML", fit$b, fit$se, fit$tau2)
fit <- rma(yi, vi, data = schools, control = tight)
note("schools_q_profile", confint(fit, control = list(tol = 1e-12))$random[1, 2:3])
bcg <- bcg[order(bcg$year), ]
note("bcg_cumulative", sapply(2:13, function(i) rma(yi, vi, data = bcg[1:i, ], control = tight)$b))
for (method in c("ML", "REML")) {
  fit <- rma.mv(yi, V, mods = ~ x, random = ~ 1 | study / effect, data = effects, method = method, control = narrow)
  note(paste0("dependent_two_", method), fit$b, fit$se, fit$sigma2, logLik(fit))
}
sandwich <- robust(fit, cluster = effects$study)
note("dependent_robust", sandwich$b, sandwich$se, sandwich$pval)
fit <- rma.mv(yi, V, random = ~ 1 | study / sample / effect, data = effects, control = narrow)
note("dependent_three_REML", fit$b, fit$se, fit$sigma2, logLik(fit))

lines <- sapply(names(results), function(name)
  sprintf('  "%s": [%s]', name, paste(sprintf("%.10g", results[[name]]), collapse = ", ")))
versions <- sprintf('  "versions": "R %s, metafor %s"', getRversion(), packageVersion("metafor"))
cat("{\n", paste(c(versions, lines), collapse = ",\n"), "\n}\n", sep = "")
