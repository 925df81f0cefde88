"""The classical engine: frequentist estimators, robust errors and threshold tests."""

from metaanalysis.engines.classical.continuity import ContinuityTest, continuity_test
from metaanalysis.engines.classical.counterpart import counterpart
from metaanalysis.engines.classical.diagnostics import cumulative, sign_flip_test
from metaanalysis.engines.classical.f_statistics import FStatistics, f_statistics
from metaanalysis.engines.classical.heterogeneity import RandomEffects, profile_likelihood, q_profile, random_effects
from metaanalysis.engines.classical.multilevel import Multilevel, component_interval, multilevel
from metaanalysis.engines.classical.robust import Robust, cluster_robust
from metaanalysis.engines.classical.segments import Segmentation, segments
from metaanalysis.engines.classical.sup_lm import sup_lm
from metaanalysis.engines.classical.sup_test import SupTest, davies_bound, sup_test
from metaanalysis.engines.classical.threshold_profile import ThresholdProfile, sup_lr_test, threshold_profile
from metaanalysis.engines.classical.threshold_regression import ThresholdFit, threshold_regression

__all__ = [
    "ContinuityTest",
    "FStatistics",
    "Multilevel",
    "RandomEffects",
    "Robust",
    "Segmentation",
    "SupTest",
    "ThresholdFit",
    "ThresholdProfile",
    "cluster_robust",
    "component_interval",
    "continuity_test",
    "counterpart",
    "cumulative",
    "davies_bound",
    "f_statistics",
    "multilevel",
    "profile_likelihood",
    "q_profile",
    "random_effects",
    "segments",
    "sign_flip_test",
    "sup_lm",
    "sup_lr_test",
    "sup_test",
    "threshold_profile",
    "threshold_regression",
]
