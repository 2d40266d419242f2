"""Whoever can read the web server's answers reads no secret: GraphQL is asked for everything there is."""

import json

import pytest

from wheel_assets_tests.end_to_end.graphql_walk import Walk
from wheel_assets_tests.end_to_end.servers import at_home, serving
from wheel_assets_tests.end_to_end.users import User

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


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with every secret set, after a run that succeeded and one that the vendor refused."""
    folder = tmp_path_factory.mktemp("secrets")
    user = at_home(User(folder, {"WHEEL_CACHE__DIR": str(folder / "cache"), **PLANTED}))
    with serving(user) as server:
        server.wait_for(server.assets)
        server.materialize("recommendation")
        user.settings |= {"WHEEL_BROKER__SOURCE": "schwab", "WHEEL_SCHWAB__BASE_URL": "http://127.0.0.1:9"}
        assert user.run("wheel", "recommend").returncode == 1
        yield server


def test_graphql_tells_no_secret(server):
    for name, query in QUERIES.items():
        variables = {"repository": LOCATION} if name == "resources" else {"job": JOB} if name == "config" else {}
        answer = json.dumps(server.ask(query, **variables))
        assert len(answer) > 100, f"{name} was not answered: {answer}"
        assert not [secret for secret in PLANTED.values() if secret in answer], name
    asked = list(everything(server))
    assert len([name for name, said in asked if len(said) > 1000]) > 15
    assert [name for name, said in asked if any(secret in said for secret in PLANTED.values())] == []


def everything(server):
    """Whatever else can be asked, and what is answered."""
    runs = server.ask("{ runIdsOrError { ... on RunIds { results } } }")["runIdsOrError"]["results"]
    known = {name: {**LOCATION, **more} for name, more in SELECTORS.items()}
    known |= {"AssetKeyInput": {"path": ["recommendation"]}, "ID": runs[0], "String": "recommendation", "Int": 5}
    return Walk(f"http://127.0.0.1:{server.port}/graphql", known).answers()


def test_nor_does_the_log_nor_the_cache(server):
    files = [path for path in server.user.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".duckdb" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in PLANTED.values() if secret.encode() in content], path
