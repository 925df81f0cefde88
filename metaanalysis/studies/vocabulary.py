"""The closed vocabularies of the dataset, each value with its meaning.

The generated field dictionary and the JSON Schema print these texts; the schema accepts nothing else.
"""

from typing import Final, Literal

Design = Literal[
    "rct",
    "field_experiment",
    "lab_experiment",
    "quasi_experiment",
    "observational",
    "survey",
    "deployment",
    "pilot",
    "benchmark",
    "meta_analysis",
]
Family = Literal[
    "productivity",
    "code_volume",
    "quality",
    "success_rate",
    "self_report",
    "cost",
    "labour_market",
    "usage",
    "forecast",
]
Stage = Literal["task", "ticket", "commit", "pull_request", "release", "aggregate", "none"]
Role = Literal["primary", "secondary", "subgroup", "context"]
Arm = Literal["ai", "no_ai"]
Scale = Literal[
    "log_points",
    "percent_change",
    "ratio",
    "difference",
    "proportion",
    "percent",
    "standardised",
    "level",
    "none",
]
Verification = Literal["primary", "secondary"]
Domain = Literal[
    "software",
    "support",
    "writing",
    "consulting",
    "legal",
    "medicine",
    "research",
    "hiring",
    "marketing",
    "business",
    "office",
    "education",
    "security_it",
    "finance",
    "cross_industry",
    "machines",
    "other",
]
Exclusion = Literal[
    "no_uncertainty",
    "no_estimate",
    "no_comparison",
    "outcome_out_of_scope",
    "tool_out_of_scope",
    "population_out_of_scope",
    "withdrawn",
    "overlap",
    "memory_only",
]
Autonomy = Literal["autocomplete", "chat", "ide_assistant", "rag_pipeline", "agent", "multi_agent", "unspecified"]

MEANINGS: Final[dict[str, dict[str, str]]] = {
    "design": {
        "rct": "individuals or tasks randomised by the investigators",
        "field_experiment": "randomised (or phased by lot) inside a working organisation",
        "lab_experiment": "controlled comparison on set tasks, randomised or within person",
        "quasi_experiment": "difference-in-differences, staggered roll-out, instrument or discontinuity",
        "observational": "users compared with non-users, or before with after, without such a design",
        "survey": "answers of respondents about themselves or their firms",
        "deployment": "an organisation's own figures on a roll-out",
        "pilot": "an organisation's trial of a tool without a control group",
        "benchmark": "machines alone on set tasks",
        "meta_analysis": "pools other studies; never pooled again",
    },
    "family": {
        "productivity": "time per task, or finished work per time, measured",
        "code_volume": "lines or characters of code; never productivity",
        "quality": "grades, ratings, errors, maintainability",
        "success_rate": "share of tasks solved or answers right; analysed as log odds ratios, apart",
        "self_report": "what respondents believe or say about time, output or speed",
        "cost": "money or compute per task",
        "labour_market": "employment, earnings, hours, sales, firm growth",
        "usage": "how much, how often or by whom the tool is used",
        "forecast": "what was expected before the work was done",
    },
    "stage": {
        "task": "one task or answer, timed or counted",
        "ticket": "a unit of service: chat, call, ticket, case, visit",
        "commit": "a commit to a repository",
        "pull_request": "a pull request opened or merged",
        "release": "a release, deployment, app or other shipped product",
        "aggregate": "output of a firm, market or person over a period",
        "none": "not an outcome of work",
    },
    "role": {
        "primary": "the one estimate that stands for its independent sample and practice arm",
        "secondary": "another outcome, model or specification on the same sample",
        "subgroup": "part of a sample that has a primary estimate, or one step of a graded exposure",
        "context": "describes use, adoption or the population; not a contrast of outcomes",
    },
    "arm": {
        "ai": "the arm used the AI tool and has a practice score",
        "no_ai": "the arm used no AI: it has no practice score and is not a zero",
    },
    "scale": {
        "log_points": "difference of natural logarithms",
        "percent_change": "100 × (treated / reference − 1)",
        "ratio": "treated / reference",
        "difference": "treated − reference in the unit named",
        "proportion": "a share between 0 and 1, or a difference of such shares",
        "percent": "a share in percent, or a difference in percentage points",
        "standardised": "in standard deviations of the outcome",
        "level": "a level in the unit named, not a contrast",
        "none": "no number printed",
    },
    "verification": {
        "primary": "the source's own text, table or data was read",
        "secondary": "a page quoting the number was read",
    },
    "domain": {
        "software": "writing, reviewing and maintaining software",
        "support": "customer support and contact centres, caseworkers",
        "writing": "professional writing, translation, communication",
        "consulting": "management consulting and product innovation",
        "legal": "legal work",
        "medicine": "clinical work and its documentation",
        "research": "science, evidence synthesis, data analysis, peer review",
        "hiring": "recruiting and human resources",
        "marketing": "marketing, advertising and sales",
        "business": "entrepreneurs and firms",
        "office": "office and public-administration work",
        "education": "teaching and tutoring",
        "security_it": "security operations and IT administration",
        "finance": "accounting and collections",
        "cross_industry": "respondents or workers across industries",
        "machines": "AI systems alone on benchmarks",
        "other": "none of these",
    },
    "exclusion": {
        "no_uncertainty": "point estimates only: no standard error, interval, p-value, or counts to derive one",
        "no_estimate": "no numeric estimate could be read",
        "no_comparison": "no comparison with work without AI (or with other AI practice)",
        "outcome_out_of_scope": "measures something other than productivity, quality or success at work",
        "tool_out_of_scope": "not a large language model",
        "population_out_of_scope": "not people at professional or comparable work",
        "withdrawn": "withdrawn or disowned",
        "overlap": "pools or repeats studies that are in the dataset",
        "memory_only": "no source could be read; the numbers were not entered",
    },
    "autonomy": {
        "autocomplete": "suggestions appear while typing",
        "chat": "a chat window or single prompts",
        "ide_assistant": "chat and completion inside the editor",
        "rag_pipeline": "retrieval plus generation, or a built-in assistant on the user's documents or conversation",
        "agent": "a loop that acts through tools",
        "multi_agent": "several agents or orchestrated stages",
        "unspecified": "not reported, or several kinds together",
    },
}
