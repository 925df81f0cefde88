# The linear model with two random effects by NUTS and bridge sampling: data.csv repeats draws between within
# Four chains one after another. The model is compiled once, before anything is timed.
arguments <- commandArgs(trailingOnly = TRUE)
for (package in c("brms", "bridgesampling", "jsonlite")) {
  if (!requireNamespace(package, quietly = TRUE)) { cat(sprintf('{"missing": "%s"}\n', package)); quit() }
}
suppressPackageStartupMessages({ library(brms); library(bridgesampling) })
options(mc.cores = 1)
# Debian's package BH holds no headers of its own: those of libboost-dev serve instead
if (!file.exists(rstan::rstan_options("boost_lib"))) rstan::rstan_options(boost_lib = "/usr/include")
d <- read.csv(arguments[1])
d$se <- sqrt(d$v)
draws <- as.integer(arguments[3])
priors <- c(
  prior(normal(0, 0.5), class = "b"),
  set_prior(sprintf("normal(0, %s)", arguments[4]), class = "sd", group = "study"),
  set_prior(sprintf("normal(0, %s)", arguments[5]), class = "sd", group = "study:effect")
)
compile <- system.time(sink_output <- capture.output(suppressMessages(
  empty <- brm(y | se(se) ~ 0 + one + share + (1 | study / effect), data = d, prior = priors, chains = 0,
               save_pars = save_pars(all = TRUE), silent = 2, refresh = 0)
)))["elapsed"]
times <- function(expression) unname(system.time(expression)["elapsed"])
sampling <- bridge <- log_evidence <- relative_error <- c()
for (i in seq_len(as.integer(arguments[2]))) {
  sampling[i] <- times(fit <- update(empty, recompile = FALSE, chains = 4, iter = 2 * draws, warmup = draws, seed = i,
                                     control = list(adapt_delta = 0.95), silent = 2, refresh = 0))
  bridge[i] <- times(found <- bridge_sampler(fit, silent = TRUE))
  log_evidence[i] <- found$logml
  relative_error[i] <- error_measures(found)$cv
}
summary <- posterior_summary(fit, variable = c("b_one", "b_share", "sd_study__Intercept", "sd_study:effect__Intercept"))
cat("\n", jsonlite::toJSON(list(
  compile = unname(compile), sampling = sampling, bridge = bridge, log_evidence = log_evidence,
  relative_error = relative_error, means = unname(summary[, "Estimate"]),
  version = as.character(packageVersion("brms"))
), digits = NA), "\n", sep = "")
