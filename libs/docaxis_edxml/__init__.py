"""edXML packets (QCVN 102:2016): an empty room in this release.

The tolerant reader and the strict writer come with the dialects of the national SDK and the LGSP.
Until then documents come in and go out in the native form alone.
"""
