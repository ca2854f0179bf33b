"""The page at `/schema` in a browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.driver import Tidings


async def test_the_page_needs_no_script_no_network_and_no_other_origin(
    tidings: Tidings, chromium: Browser
) -> None:
    page = await chromium.new_page()
    requested, complaints = list[str](), list[str]()
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    answer = await page.goto(f"{tidings.url}/schema")
    operations = page.locator("details.operation")

    assert answer
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert await operations.count() >= 40
    mark = operations.filter(has_text="POST /v1/notifications/mark ")
    await mark.locator("summary").click()
    link = mark.get_by_text("ProblemDetails").first
    await link.click()
    assert await page.locator("#ProblemDetails").is_visible()
    assert [url for url in requested if not url.startswith(tidings.url)] == []
    assert complaints == []
    await page.close()
