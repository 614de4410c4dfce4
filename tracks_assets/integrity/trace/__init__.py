"""One event's whole story on a page: what was delivered, where it stands, and whether it stands as it should.

Facts are read first (``facts``), the verdict (``verdict``) and the page (``page``) follow from them purely.
"""
