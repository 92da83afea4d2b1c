
zGET /orders/{id}1