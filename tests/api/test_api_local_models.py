"""What the health page says of a local model that cannot serve, or serves an old file."""

from pathlib import Path

from ccos.store.migrate import migrate
from support.live import eventually, plain_settings, serving
from support.postgres import fresh_database
from support.tiny_gguf import build_tiny_gguf


def test_health_says_why_a_model_cannot_be_loaded_and_shows_it_well_once_it_is_mended(
    embedded_server,
    tmp_path: Path,
):
    file = tmp_path / "m.gguf"
    file.write_bytes(build_tiny_gguf(tmp_path / "good.gguf").read_bytes()[:50_000])
    with fresh_database(embedded_server, "live_model") as urls:
        migrate(urls.owner)
        settings = plain_settings(urls, tmp_path, tinyllama_model_path=file)
        with serving(settings) as live, live.client() as http:

            def tier() -> dict[str, object]:
                return http.get("/api/health/llm-tiers").json()["tiers"]["tier_2"]

            broken = eventually(lambda: found if "cut off" in (found := tier()).get("message", "") else None)
            assert (broken["status"], broken["error"]) == ("unhealthy", "model.not_loaded")
            (tmp_path / "good.gguf").rename(file)
            mended = eventually(
                lambda: found if (found := tier())["status"] == "healthy" else None, seconds=60
            )
            assert "message" not in mended and "error" not in mended
