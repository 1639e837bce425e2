"""What generated text and code is worth beside its references: BLEU, ROUGE, BERTScore, CodeBLEU, RUBY.

score.py       the contract: what a score is, what a metric is
catalogue.py   every metric by its name
evaluate.py    metrics over many pairs
"""
