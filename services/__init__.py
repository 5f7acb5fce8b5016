"""The services. Each has the same rooms in the same order, so who knows one knows all:

main.py builds it    settings.py what an operator may turn    domain  pure decisions
use_cases.py open, load, decide, save, emit    handlers.py Kafka in    routes.py HTTP in
storage.py tables and every query    adapters/ outside parties    migrations/
"""
