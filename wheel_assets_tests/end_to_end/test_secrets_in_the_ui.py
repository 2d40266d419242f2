"""Whoever can read the web server's answers reads no secret: GraphQL is asked for everything there is."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

PLANTED = {
    "WHEEL_SCHWAB__APP_KEY": "planted-schwab-key-1f6a",
    "WHEEL_SCHWAB__APP_SECRET": "planted-schwab-secret-9c2e",
    "WHEEL_DATABENTO__API_KEY": "db-planted-databento-key-77",
    "WHEEL_FRED__API_KEY": "plantedfredkey0123456789abcdef01",
}
METADATA = """metadataEntries { label description
  ... on MarkdownMetadataEntry { mdStr } ... on JsonMetadataEntry { jsonString } ... on TextMetadataEntry { text }
  ... on PathMetadataEntry { path } ... on FloatMetadataEntry { floatValue } ... on IntMetadataEntry { intRepr } }"""
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "wheel_assets"}
JOB = {**LOCATION, "pipelineName": "__ASSET_JOB"}
SELECTORS = {
    "RepositorySelector": {},
    "PipelineSelector": {"pipelineName": "__ASSET_JOB"},
    "JobOrPipelineSelector": {"pipelineName": "__ASSET_JOB"},
    "ResourceSelector": {"resourceName": "market"},
    "GraphSelector": {"graphName": "cleanup"},
}
QUERIES = {
    "assets": f"""{{ assetNodes {{ assetKey {{ path }} description {METADATA}
      assetMaterializations {{ {METADATA} }} }} }}""",
    "resources": """query($repository: RepositorySelector!) { allTopLevelResourceDetailsOrError(
      repositorySelector: $repository) { ... on ResourceDetailsList { results { name description
        configFields { name description } configuredValues { key value type } } } } }""",
    "config": """query($job: PipelineSelector!) { runConfigSchemaOrError(selector: $job, mode: "default") {
      ... on RunConfigSchema { rootDefaultYaml allConfigTypes { key description
        ... on CompositeConfigType { fields { name description defaultValueAsJson } } } } } }""",
    "runs": """{ runsOrError { ... on Runs { results { runId runConfigYaml tags { key value }
      eventConnection { events { ... on MessageEvent { message }
        ... on ExecutionStepFailureEvent { error { message stack } } } } } } } }""",
    "instance": "{ instance { info } version }",
}


@pytest.fixture
def server_with_secrets(sample_user, newcomers_server):
    """A server with every secret set, after a run that succeeded and one that the vendor refused."""
    newcomers_server.wait_for(newcomers_server.assets)
    newcomers_server.materialize("recommendation")
    sample_user.settings |= {"WHEEL_BROKER__SOURCE": "schwab", "WHEEL_SCHWAB__BASE_URL": "http://127.0.0.1:9"}
    assert sample_user.run("wheel", "recommend").returncode == 1
    return newcomers_server


@pytest.fixture
def sample_user(sample_user):
    sample_user.settings |= PLANTED
    return sample_user


def test_graphql_tells_no_secret(server_with_secrets, walk):
    for name, query in QUERIES.items():
        variables = {"repository": LOCATION} if name == "resources" else {"job": JOB} if name == "config" else {}
        answer = json.dumps(server_with_secrets.ask(query, **variables))
        assert len(answer) > 100, f"{name} was not answered: {answer}"
        assert not [secret for secret in PLANTED.values() if secret in answer], name
    asked = list(everything(server_with_secrets, walk))
    assert len([name for name, said in asked if len(said) > 1000]) > 15
    assert [name for name, said in asked if any(secret in said for secret in PLANTED.values())] == []


def everything(server, walk):
    """Whatever else can be asked, and what is answered."""
    runs = server.ask("{ runIdsOrError { ... on RunIds { results } } }")["runIdsOrError"]["results"]
    known = {name: {**LOCATION, **more} for name, more in SELECTORS.items()}
    known |= {"AssetKeyInput": {"path": ["recommendation"]}, "ID": runs[0], "String": "recommendation", "Int": 5}
    return walk.Walk(f"http://127.0.0.1:{server.port}/graphql", known).answers()


@pytest.fixture(scope="module")
def walk() -> Any:
    """The questions there are: a module beside this one, which pytest imports by path."""
    path = Path(__file__).parent / "graphql_walk.py"
    spec = importlib.util.spec_from_file_location("graphql_walk", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nor_does_the_log_nor_the_cache(server_with_secrets, sample_user):
    files = [path for path in sample_user.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".duckdb" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in PLANTED.values() if secret.encode() in content], path
