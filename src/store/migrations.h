/*
 * migrations: the SQL that carries a database forward, compiled into the program.
 *
 * The arrays are generated at build time from schemas/sql/DIALECT/NNNN_name.sql, in ascending
 * order of number, starting at 1 without a gap; each ends with an element whose number is 0.
 * A database at version n needs the elements whose number is greater than n.
 */
#ifndef CHATELAINE_STORE_MIGRATIONS_H
#define CHATELAINE_STORE_MIGRATIONS_H

struct store_migration {
        unsigned number;
        const char *name; /* the file's name without number and suffix */
        const char *sql;  /* one or more statements */
};

extern const struct store_migration store_migrations_sqlite[];
extern const struct store_migration store_migrations_postgresql[];

#endif
