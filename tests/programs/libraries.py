# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of a library that is not CPython's own. Usage: libraries.py FILE numpy|django|lxml

Ends with the reason where the library is not installed.
"""

import sys

import recorder
import truth


def numpy_objects():
    import numpy

    objects = numpy.empty((3, 4), dtype=object)
    objects[0, 0] = ["in an array of objects"]
    objects[1, :] = [{"a": i} for i in range(4)]
    record = numpy.dtype([("number", "i4"), ("any", object), ("two", [("x", "f8"), ("y", "f8")])])
    records = numpy.zeros(5, dtype=record)
    records["any"][2] = ["in a field of a record"]
    whole = numpy.arange(1000.0)
    return [objects, objects[1:], objects.T, record, records, records[2], records["two"]["x"],
            whole, whole[::2], whole.reshape(10, 100), numpy.float64(1.5), numpy.int8(1),
            numpy.nditer(whole), numpy.ma.masked_array([1, 2], [0, 1]), numpy.matrix("1 2; 3 4"),
            numpy.random.RandomState(1), numpy.add, numpy.vectorize(len), numpy.str_("text"),
            numpy.void(b"abc"), numpy.datetime64("2020-01-01"), whole.flat, numpy.broadcast(1, 2),
            memoryview(whole), numpy.poly1d([1, 2]), iter(objects), numpy.rec.array([(1, 2.0)])]


def django_objects():
    import django
    from django.conf import settings
    from django.db import connection, models

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True)
    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    group = Group.objects.create(name="group")
    for i in range(20):
        user = User.objects.create(username="user%d" % i)
        user.groups.add(group)
    users = User.objects.filter(groups=group).prefetch_related("groups")
    rows = connection.cursor()
    rows.execute("select * from auth_user")
    return [group, users, list(users), users.query, rows, rows.fetchmany(3), connection,
            User.objects.annotate(n=models.Count("groups")), models.Q(a=1) | models.Q(b=2)]


def lxml_objects():
    from lxml import etree, html

    root = etree.fromstring("<a xmlns:n='urn:n'><b x='1'>text</b>tail<n:c/></a>")
    return [root, root[0], list(root), etree.XPath("//b"), root.getroottree(),
            etree.iterparse("/dev/null"), html.fromstring("<p>text</p>"), root[0].attrib,
            etree.XMLParser(), etree.XSLT(etree.XML(
                "<s:stylesheet version='1.0' xmlns:s='http://www.w3.org/1999/XSL/Transform'/>"))]


if __name__ == "__main__":
    name = sys.argv[2]
    try:
        things = globals()[name + "_objects"]()
    except ImportError as reason:
        truth.cannot("%s: %s (on Debian: tools/install-deps.sh matrix)" % (name, reason))
    recorder.record_and_wait(sys.argv[1])
