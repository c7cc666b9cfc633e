import "./dataTable.css";

interface DataTableProps {
  caption: string;
  columns: string[];
  /** Each row's cells; the first names the row. */
  rows: (string | number)[][];
}

/** A chart's numbers as a table, for whoever can't or won't read the picture. */
export function DataTable({ caption, columns, rows }: DataTableProps) {
  return (
    <details className="data-table">
      <summary>Show as a table</summary>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...rest], place) => (
            <tr key={`${place} ${first ?? ""}`}>
              <th scope="row">
                <bdi>{first}</bdi>
              </th>
              {rest.map((cell, index) => (
                <td key={columns[index + 1]}>
                  <bdi>{cell}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
