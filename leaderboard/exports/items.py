"""The columns of outcomes item by item: in Parquet as the engine wrote them, and as lines of JSON.

A file has those of its task's kind, which `unit` names first; `runner.evaluation` writes them.
"""

from __future__ import annotations

from leaderboard.exports.columns import ExportColumn

COLUMNS = (
    ExportColumn("file", "text", "Which evaluation: a task, with its split and limit; in lines of JSON alone."),
    ExportColumn("language", "code", "The language of the item."),
    ExportColumn("item", "number", "The place of the item among those of its language, from 0."),
    ExportColumn("source_item", "text", "The name that the item shares with its translations; empty for others."),
    ExportColumn("gold", "label, tags joined by blanks, or list of answers", "What is right."),
    ExportColumn("predicted", "label, tags, answer, or number of a sentence", "What the system says."),
    ExportColumn("correct", "true or false", "Pairs and retrieval: whether it is right; mining: whether it was found."),
    ExportColumn("gold_entities", "tagging: count", "Entities in the right tags."),
    ExportColumn("found_entities", "tagging: count", "Entities in the predicted tags."),
    ExportColumn("right_entities", "tagging: count", "Entities in both."),
    ExportColumn("words", "tagging: count", "Words of the sentence."),
    ExportColumn("right_words", "tagging: count", "Words with the right tag."),
    ExportColumn("id", "questions: text", "The question's id."),
    ExportColumn("exact_match", "questions: 0 or 100", "Whether the answer is one of the right ones."),
    ExportColumn("f1", "questions: 0 to 100", "The largest overlap of words with a right answer."),
    ExportColumn("source_id", "mining: text", "The id of the gold pair's sentence in the language."),
    ExportColumn("target_id", "mining: text", "The id of its English sentence."),
    ExportColumn("margin", "mining: number", "The pair's ratio margin; empty where it was no candidate."),
    ExportColumn("extracted", "mining: count", "Pairs that were extracted in the language, the same in every row."),
    ExportColumn("threshold", "mining: number", "The margin from which pairs are extracted; empty for uploads."),
    ExportColumn("cosine", "retrieval: -1 to 1", "The similarity to the sentence that was found; empty for uploads."),
)
