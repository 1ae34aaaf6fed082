from migrator.revisions.wait import until_expected as until_expected
