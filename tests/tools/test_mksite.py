# SPDX-License-Identifier: MIT
"""The site has a page for each document, the page beside them, and the drawings that they show."""
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Site(unittest.TestCase):
    def site(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        base = pathlib.Path(folder.name)
        for name, text in files.items():
            path = base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run([ROOT / "tools" / "mksite.py", "--site", ROOT / "apps" / "site", "--docs",
                        base / "docs", "-o", base / "out"], check=True)
        return base / "out"

    def test_pictures(self):
        out = self.site({"docs/a.md": "# A\n\n![Two <boxes>](images/x.svg)\n\n`![no](y.svg)`\n",
                         "docs/images/x.svg": "<svg/>", "docs/images/x.draw": "", "docs/images/y.png": ""})
        page = (out / "docs" / "a.html").read_text()
        self.assertEqual(re.findall(r"<img[^>]*>", page),
                         ['<img src="images/x.svg" alt="Two &lt;boxes&gt;">'])
        self.assertEqual([path.name for path in (out / "docs" / "images").iterdir()], ["x.svg"])

    def test_page_beside(self):
        out = self.site({"docs/README.md": "# Documents\n\n[how](../CONTRIBUTING.md#a-change)\n",
                         "CONTRIBUTING.md": "# How\n\n## A change\n\n[d](docs/README.md)\n"})
        self.assertIn('href="../CONTRIBUTING.html#a-change"', (out / "docs" / "index.html").read_text())
        page = (out / "CONTRIBUTING.html").read_text()
        self.assertIn('id="a-change"', page)
        self.assertIn('href="docs/index.html"', page)

    def test_links_of_the_documents(self):
        """No page of ours links to a page of the site that is not there."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        out = pathlib.Path(folder.name) / "out"
        subprocess.run([ROOT / "tools" / "mksite.py", "--site", ROOT / "apps" / "site", "--docs",
                        ROOT / "docs", "-o", out], check=True)
        wrong = []
        for page in out.rglob("*.html"):
            for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text()):
                if "://" in target or target.startswith(("/", "data:")):
                    continue
                if not (page.parent / target).exists():
                    wrong.append(f"{page.relative_to(out)}: {target}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
