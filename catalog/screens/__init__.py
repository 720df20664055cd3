"""Operations screens of the catalog: they show, and do by actions what verbs do."""
